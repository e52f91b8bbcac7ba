"""Files: reading, matching, links."""
