"""The files of deploy/ and both dagster.yaml: held to what they say, and run as far as this machine can."""
