"""Fitted mappings as data, each with the facts it rests on, and the scripts that fit them."""
