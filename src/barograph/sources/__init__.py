"""Readers of other people's logs: one file per format, and one place that gives them all the same shape.

- `catalogue`: which formats there are, and the way from a path to a run
- `base`: what a format has to offer
- `table`: rows in, columns out
- `normalise`: names, units, steps, resumes, method: from raw columns to a `Run`
- `cache`: columns of large logs, kept
"""
