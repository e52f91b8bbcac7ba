"""Uploaded files: where they are kept, and how they are forgotten."""
