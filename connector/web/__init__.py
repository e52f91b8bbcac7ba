"""Pages for people: a thin skin over `/v1`, which they ask like anybody else."""

from flask import Flask

from connector.web import (
    connect,
    contacting,
    docs,
    door,
    entry,
    importing,
    naming,
    pages,
    sending,
    states,
    telling,
    trying,
    watching,
    words,
)

__all__ = ["connect", "contacting", "docs", "entry", "importing", "prepare", "telling", "trying", "watching"]


def prepare(app: Flask) -> None:
    """Gives an application its pages."""
    words.prepare(app)
    states.prepare(app)
    naming.prepare(app)
    sending.prepare(app)
    door.prepare(app)
    app.register_blueprint(pages.blueprint)
