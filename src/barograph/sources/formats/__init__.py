"""Readers of files: one file for each format; what frameworks print is under `consoles`."""
