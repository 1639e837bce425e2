"""The files that examples come in, one kind in each module."""
