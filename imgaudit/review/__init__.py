"""The review page: people decide about the pictures of a run, in a browser on the same machine."""
