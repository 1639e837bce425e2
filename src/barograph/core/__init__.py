"""The nouns of the house: records, runs, findings, and the words for what a run logs.

Standard library only; no input or output, no clock, no globals that change.
"""
