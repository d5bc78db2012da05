"""What is kept: the run folder, and the percept cache."""
