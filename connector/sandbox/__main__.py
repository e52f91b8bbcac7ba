"""`python -m connector.sandbox`."""

from .command_line import command

if __name__ == "__main__":
    command(prog_name="python -m connector.sandbox")
