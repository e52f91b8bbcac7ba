"""Migrations of the tables, run by Alembic inside the caller's transaction."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def config(connection: Connection) -> Config:
    """Alembic's configuration: this folder, this connection."""
    configured = Config()
    configured.set_main_option("script_location", str(Path(__file__).parent))
    configured.attributes["connection"] = connection
    return configured


def upgrade(connection: Connection) -> None:
    """Brings the tables to the newest version."""
    command.upgrade(config(connection), "head")
