"""The web application over a real sandbox: requests in, answers out, and what Crisp has afterwards."""
