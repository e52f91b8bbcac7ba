"""`serve`, `web`, `work`: the processes that run for long."""

import json
import os
import signal
import socket
from contextlib import closing
from threading import Event
from types import FrameType
from typing import Any

import click
import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.workers.gthread import ThreadWorker

from connector import create_app, first_start, logs
from connector.cli.common import Failed, as_json, explained, messages
from connector.memory import calm_the_collector
from connector.server_log import ServerLog
from connector.services import Services, open_services
from connector.settings import Settings, read_settings

log = structlog.get_logger()

# A request may wait for Crisp as long as this; stopping lets it finish.
_GRACE = 30
# Seconds after the last answer in which it is written down and the leases are given back.
_AFTER_CALLS = 8
_THREADS = 64
_ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_PORT, _AT_LEAST_ONE = click.IntRange(0, 65535), click.IntRange(min=1)


class Worker(ThreadWorker):
    """gunicorn's threaded worker; those who wait for an outcome are answered at once when it is told to stop."""

    stopping = False

    def init_signals(self) -> None:
        """From here on it hears what it is told, and what it was told since it was forked."""
        super().init_signals()
        _hear()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM: no new work, then gunicorn's own graceful end. One that comes while that is being done changes
        nothing: a lock that is just taken is not to be had twice."""
        if not self.stopping:
            self.stopping = True
            for services in _opened_in(self):
                services.begin_stop()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Ctrl-C, which reaches every process at once, ends in order too: leases are given back."""
        self.handle_exit(sig, frame)


def _hold(_arbiter: object, _worker: object) -> None:
    """Before a fork: a worker that is told to end before it listens would put that where only its master looks, and
    the master would wait for it in vain until the time of grace is over."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)


def _hear() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)


os.register_at_fork(after_in_parent=_hear)


def _opened_in(worker: Any) -> list[Services]:
    """The services of a worker's application; none as long as it is not loaded, or could not be."""
    extensions = getattr(getattr(worker, "wsgi", None), "extensions", {})
    return [extensions["connector"]] if "connector" in extensions else []


def _close(_arbiter: object, worker: object) -> None:
    for services in _opened_in(worker):
        services.close()


def gunicorn_options(call_timeout: int = 30) -> dict[str, Any]:
    """What gunicorn is told, whoever starts it: each worker opens its own services and closes them at its end.
    `call_timeout`: seconds that a call to Crisp may take; one that is out when it is told to stop is waited for."""
    return {
        "threads": _THREADS,
        "worker_class": f"{__name__}.Worker",
        "graceful_timeout": max(_GRACE, call_timeout + _AFTER_CALLS),
        "keepalive": 65,
        "accesslog": None,
        "loglevel": "warning",
        "logger_class": ServerLog,
        "limit_request_line": 8190,
        "pre_fork": _hold,
        "worker_exit": _close,
        "control_socket_disable": True,
    }


def check_start(settings: Settings) -> str | None:
    """Opens everything once, so that what is wrong is said before a worker starts. Returns the one-time code, where
    nobody has an API key yet.

    Raises `SettingsProblem`, `ManifestBroken`, `DatabaseProblem`.
    """
    logs.configure(settings.log_level)
    with closing(open_services(settings)) as services:
        return first_start.new_code(services)


class Server(BaseApplication):
    """gunicorn, set up from here alone."""

    code: str | None = None

    def __init__(self, settings: Settings, options: dict[str, Any], *, delivers: bool, json_: bool) -> None:
        self.settings, self.options, self.delivers, self.json_ = settings, options, delivers, json_
        super().__init__()

    def load_config(self) -> None:
        """What gunicorn is told."""
        own = {
            **gunicorn_options(self.settings.call_timeout),
            "bind": f"{self.options['host']}:{self.options['port']}",
            "workers": self.options["workers"],
            "threads": self.options["threads"],
            "when_ready": self._announce,
            "post_worker_init": self._begin,
        }
        for name, value in own.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, in each worker process by itself. What the environment says was registered before: a worker
        that is born again later must not put it back over what was changed meanwhile."""
        return create_app(open_services(self.settings, registers=False, starts=False))

    def _begin(self, worker: object) -> None:
        for services in _opened_in(worker) if self.delivers else ():
            services.begin()

    def _announce(self, arbiter: Arbiter) -> None:
        host, port = arbiter.LISTENERS[0].sock.getsockname()[:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        if self.json_:
            click.echo(json.dumps({"url": url}))
        messages.print(f"crisp-connector listens on {url}. Documentation: {url}/docs")
        if self.code:
            # What may be shortened or coloured could not be copied.
            click.echo(f"Nobody has an API key yet. Open {url}/ and give it this one-time code: {self.code}", err=True)
        elif not self.settings.has_default_connection:
            messages.print("CRISP_WEBSITE_ID is not set. Connect a website with: crisp-connector connect add")


def _options(command: Any) -> Any:
    for option in (
        click.option(
            "--threads", type=_AT_LEAST_ONE, default=_THREADS, show_default=True, help="Requests at once per worker."
        ),
        click.option("--workers", type=_AT_LEAST_ONE, default=1, show_default=True, help="Worker processes."),
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
    code = check_start(settings)
    _check_address(options["host"], options["port"])
    calm_the_collector()
    server = Server(settings, options, delivers=delivers, json_=json_)
    server.code = code
    server.run()


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
    calm_the_collector()
    services.begin()
    if json_:
        click.echo(json.dumps({"working": True}))
    messages.print("crisp-connector delivers. Stop it with Ctrl-C.")
    stopped.wait()
    services.close()
