"""Anything in becomes a contact in Crisp."""
