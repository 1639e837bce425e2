"""From findings to decisions. Nothing here knows a trainer: what is decided is carried out elsewhere."""
