"""The sandbox, tested from outside: over HTTP and by its switches."""
