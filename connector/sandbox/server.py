"""Serves the sandbox with gunicorn: one process, because its state is in memory, and many threads."""

import json
import math
from types import FrameType
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.workers.gthread import ThreadWorker

from .app import create_app
from .options import Options
from .state import sandbox_of


class Worker(ThreadWorker):
    """A worker that lets go of its RTM sockets when it is told to stop: each holds a thread that would not end."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.let_go()

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        self.let_go()
        super().handle_quit(sig, frame)

    def let_go(self) -> None:
        app: object = self.wsgi
        if isinstance(app, Flask):  # It may be told before it has loaded the app.
            sandbox_of(app).rtm.cut(math.inf)


SETTINGS = {
    "workers": 1,
    "worker_class": Worker,
    "threads": 128,
    "worker_connections": 2000,
    "keepalive": 75,
    "backlog": 1024,
    "limit_request_line": 8190,
    "graceful_timeout": 3,
    "accesslog": None,
    "loglevel": "warning",
    # Only newer versions have it, and they would open a socket in the home directory.
    "control_socket_disable": True,
}


class Server(BaseApplication):
    """gunicorn, set up from here alone: no configuration file, no arguments."""

    def __init__(self, options: Options) -> None:
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        own = {"bind": f"{self.options.host}:{self.options.port}", "when_ready": self.announce}
        for name, value in {**SETTINGS, **own}.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        return create_app(self.options)

    def announce(self, arbiter: Arbiter) -> None:
        """Say where it listens: JSON for scripts on stdout, a sentence for people on stderr."""
        host, port = arbiter.LISTENERS[0].sock.getsockname()[:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        names = ("website_id", "identifier", "key", "tier")
        token: dict[str, Any] = {name: getattr(self.options, name) for name in names}
        click.echo(json.dumps({"url": url, **token}))
        click.echo(f"Sandbox listens on {url} for website {self.options.website_id}.", err=True)


def serve(options: Options) -> None:
    """Serve until SIGTERM or SIGINT."""
    Server(options).run()
