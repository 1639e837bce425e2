"""Recipes: one file for each method, read top to bottom, on the libraries of the field, watched by the monitor."""
