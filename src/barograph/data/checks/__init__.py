"""The checks, one family in each module."""
