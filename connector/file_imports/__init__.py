"""Imports of files: fetched or sent, previewed, accepted; what failed of them, and what could be imported by hand."""
