"""Audit generated images: publish, edit or reject, with the evidence."""

__version__ = "0.1.0"
