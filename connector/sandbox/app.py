"""The Flask app of the sandbox."""

import time

from flask import Flask

from . import batch, connect, control, conversations, envelope, gate, people, profiles
from .options import Options
from .state import EXTENSION, Sandbox
from .store import Clock

LARGEST_BODY = 4_000_000


def create_app(options: Options | None = None, *, clock: Clock = time.time) -> Flask:
    """A sandbox with a store of its own; `clock` gives the seconds since 1970."""
    app = Flask(__name__, static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_BODY, PROVIDE_AUTOMATIC_OPTIONS=False)
    app.url_map.strict_slashes = False
    # Two slashes would be answered by a redirect; Crisp has no such route.
    app.url_map.merge_slashes = False
    state = Sandbox(options or Options(), clock)
    app.extensions[EXTENSION] = state
    envelope.register(app)
    gate.register(app)
    for part in (profiles, people, batch, conversations, connect, control):
        app.register_blueprint(part.blueprint)
    app.wsgi_app = state.rtm.beside(app.wsgi_app)  # type: ignore[assignment, method-assign]
    return app
