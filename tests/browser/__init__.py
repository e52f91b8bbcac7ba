"""The pages in a real browser, against a running service and a local Crisp."""
