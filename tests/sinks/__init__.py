"""Places that events are written to."""
