"""Hooks: requests to addresses that users name, guarded."""
