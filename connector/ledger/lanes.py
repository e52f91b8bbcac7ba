"""Lanes: what goes before what."""

# Single contacts and reads go before batches and files. What is to be erased no drain takes: it is more than calls
# (`erasures`).
LIVE, BULK, ERASING = 0, 1, 2
