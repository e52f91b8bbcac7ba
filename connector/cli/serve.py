"""`serve`, `web`, `work`: the processes that run for long."""

import json
import signal
import socket
from threading import Event
from types import FrameType
from typing import Any

import click
import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.workers.gthread import ThreadWorker

from connector import create_app, logs
from connector.cli.common import Failed, as_json, explained, messages
from connector.services import Services, open_services
from connector.settings import Settings, read_settings

log = structlog.get_logger()

# A request may wait for Crisp as long as this; stopping lets it finish.
_GRACE = 30
_PORT = click.IntRange(0, 65535)


class Worker(ThreadWorker):
    """gunicorn's threaded worker; those who wait for an outcome are answered at once when it is told to stop."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM: no new work, then gunicorn's own graceful end."""
        services = getattr(self.app, "services", None)
        if services is not None:
            services.engine.begin_stop()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Ctrl-C, which reaches every process at once, ends in order too: leases are given back."""
        self.handle_exit(sig, frame)


class Server(BaseApplication):
    """gunicorn, set up from here alone."""

    def __init__(self, settings: Settings, options: dict[str, Any], *, delivers: bool, json_: bool) -> None:
        self.settings, self.options, self.delivers, self.json_ = settings, options, delivers, json_
        self.services: Services | None = None
        super().__init__()

    def load_config(self) -> None:
        """What gunicorn is told."""
        own = {
            "bind": f"{self.options['host']}:{self.options['port']}",
            "workers": self.options["workers"],
            "threads": self.options["threads"],
            "worker_class": f"{__name__}.Worker",
            "graceful_timeout": _GRACE,
            "keepalive": 65,
            "accesslog": None,
            "loglevel": "warning",
            "limit_request_line": 8190,
            "when_ready": self._announce,
            "post_worker_init": self._begin,
            "worker_exit": self._end,
            "control_socket_disable": True,
        }
        for name, value in own.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, in each worker process by itself."""
        self.services = open_services(self.settings)
        return create_app(self.services)

    def _begin(self, _worker: object) -> None:
        if self.delivers and self.services is not None:
            self.services.engine.start()

    def _end(self, _arbiter: object, _worker: object) -> None:
        if self.services is not None:
            self.services.close()
            self.services = None

    def _announce(self, arbiter: Arbiter) -> None:
        host, port = arbiter.LISTENERS[0].sock.getsockname()[:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        if self.json_:
            click.echo(json.dumps({"url": url}))
        messages.print(f"crisp-connector listens on {url}. Documentation: {url}/docs")
        if not self.settings.has_default_connection:
            messages.print("CRISP_WEBSITE_ID is not set. Connect a website with: crisp-connector connect add")


def _options(command: Any) -> Any:
    for option in (
        click.option("--threads", default=64, show_default=True, help="Requests at once per worker."),
        click.option("--workers", default=1, show_default=True, help="Worker processes."),
        click.option("--port", type=_PORT, default=8080, show_default=True, help="0 takes a free one."),
        click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 is reached from outside."),
    ):
        command = option(command)
    return command


def _check_address(host: str, port: int) -> None:
    """Says at once that an address cannot be listened at, which gunicorn tries for some seconds."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise Failed(
                f"It cannot listen at {host} port {port}: {problem.strerror}. Choose others with --host and --port."
            ) from None


def _run(options: dict[str, Any], *, delivers: bool) -> None:
    json_ = options.pop("json_")
    settings = read_settings()
    logs.configure(settings.log_level)
    # Opened once here, so that what is wrong is said before a worker starts.
    open_services(settings).close()
    _check_address(options["host"], options["port"])
    Server(settings, options, delivers=delivers, json_=json_).run()


@click.command()
@_options
@as_json
@explained
def serve(**options: Any) -> None:
    """Take records over HTTP and deliver them to Crisp, on one machine.

    \b
    Example:
      CRISP_WEBSITE_ID=… CRISP_IDENTIFIER=… CRISP_KEY=… CONNECTOR_API_KEY=… crisp-connector serve --port 8080
    """
    _run(options, delivers=True)


@click.command()
@_options
@as_json
@explained
def web(**options: Any) -> None:
    """Take records over HTTP; `crisp-connector work` delivers them.

    \b
    Example:
      CONNECTOR_DATABASE_URL=postgresql+psycopg://… crisp-connector web --host 0.0.0.0 --workers 2
    """
    _run(options, delivers=False)


@click.command()
@as_json
@explained
def work(json_: bool) -> None:
    """Deliver what was taken in, until stopped.

    \b
    Example:
      CONNECTOR_DATABASE_URL=postgresql+psycopg://… crisp-connector work
    """
    settings = read_settings()
    logs.configure(settings.log_level)
    services = open_services(settings)
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    services.engine.start()
    if json_:
        click.echo(json.dumps({"working": True}))
    messages.print("crisp-connector delivers. Stop it with Ctrl-C.")
    stopped.wait()
    services.close()
