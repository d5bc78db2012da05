"""What a picture's file says about its origin: read it, write it, verify it."""
