"""Committed example reports, and the script that makes them."""
