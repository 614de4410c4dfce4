"""The docs: built strictly, up to date with the code, and without links or names that lead nowhere."""
