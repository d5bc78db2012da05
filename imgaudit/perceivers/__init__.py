"""What looks at pictures: one file a model family."""
