"""Google: its credentials, and its Sheets API. Loaded when a sink of it is opened."""
