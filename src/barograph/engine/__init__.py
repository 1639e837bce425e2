"""Rows in, findings out: rules bound to a run, episodes, the verdict and its order."""
