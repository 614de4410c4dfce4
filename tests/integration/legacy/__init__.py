"""The rows of the old pipeline: from its files into the frozen table, and from there, once each, into tracks."""
