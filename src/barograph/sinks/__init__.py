"""Where a run is written to: one file per form. Each takes the same rows, and none knows where they came from."""
