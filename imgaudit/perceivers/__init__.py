"""What can look at a picture: one file a model family, found by the registry."""
