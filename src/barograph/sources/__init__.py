"""Readers of other people's logs: one file per format, and one place that gives them all the same shape.

- `formats`: one file for each format; what frameworks print is under `formats/consoles`
- `storage`: how bytes are stored, whatever they say: packed, JSON, databases, protocol buffers
- `base`: what a format has to offer
- `catalogue`: which formats there are, and in which order they are asked
- `locate`, `remote`, `stdin`: from what somebody typed to the logs that it stands for
- `table`, `numbers`, `points`, `facts`: rows in, columns and settings out
- `naming`, `steps`, `normalise`: names, method, steps, resumes, units: from raw columns to a `Run`
- `runs`: all of it together, from a path to runs
- `growth`, `tail`: the same for a log that is still written
- `cache`: columns of large logs, kept
"""
