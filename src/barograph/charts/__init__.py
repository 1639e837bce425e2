"""A run as charts: the same drawing, as data, for PNG files, the report, and the page."""
