"""What `deploy/` declares, held against the code, against the tools' own rules, and run as real processes."""
