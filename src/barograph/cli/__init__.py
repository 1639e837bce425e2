"""The command line: one file per command, one function each."""
