"""Stand-ins of the vendors' APIs, made from their documentation, and what is asked of all of them alike."""
