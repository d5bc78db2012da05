"""What can be measured: one file a check, found by the registry."""
