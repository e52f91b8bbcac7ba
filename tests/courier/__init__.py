"""The courier against faults of the network and against the sandbox, on SQLite and on PostgreSQL."""
