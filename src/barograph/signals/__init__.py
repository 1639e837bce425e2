"""Expressions over the metrics of a run: one definition, two ways to evaluate it.

A signal is *stepped* row by row with plain floats while a run is live, or *scanned* over whole columns
when a log is judged. Both must agree; a property test holds them to it.
"""
