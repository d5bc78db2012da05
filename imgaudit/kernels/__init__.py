"""Pure arithmetic on arrays and strings."""
