"""The warehouse behind one interface, so that what decides never knows which engine it runs on."""
