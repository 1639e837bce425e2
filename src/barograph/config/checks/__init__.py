"""The checks of settings, by what they look at."""
