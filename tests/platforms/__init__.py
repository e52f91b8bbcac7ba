"""The packages in the platforms' own tools, against a running service and a local Crisp."""
