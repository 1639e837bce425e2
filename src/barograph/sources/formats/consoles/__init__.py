"""What frameworks print while they train: one file for each way of printing."""
