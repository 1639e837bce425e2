"""Alerts: a finding or a decision reaches a person who is not looking at the terminal."""
