"""Crisp's official clients, unchanged, against the sandbox."""
