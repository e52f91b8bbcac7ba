"""Files: CSV and spreadsheets as tables, which contact fields their columns are, and files that are written."""
