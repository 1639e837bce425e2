"""What frameworks call their settings: one module for each."""
