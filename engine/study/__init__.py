"""The straight line: the public functions that the command line, notebooks and tests call."""
