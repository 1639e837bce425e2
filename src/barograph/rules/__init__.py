"""What goes wrong in preference tuning: one small class per failure mode, one file per family."""
