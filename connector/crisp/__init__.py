"""Crisp: its profile card, the plans of calls, the client that makes them."""
