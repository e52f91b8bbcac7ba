"""A stand-in for Google on a real port, and sheets in it that are written to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from connector.sandbox.sheets import SPREADSHEET, create_sheets

CLIENT_EMAIL = "writer@sample-project.iam.gserviceaccount.com"
REFRESH_TOKEN = {
    "client_id": "sample.apps.googleusercontent.com",
    "client_secret": "GOCSPX-sample-secret",
    "refresh_token": "1//sample-refresh-token",
}


@cache
def private_key() -> str:
    """An RSA key, made once: it takes a moment."""
    made = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return made.private_bytes(*form).decode()


def service_account(**more: Any) -> str:
    """A service account's key as Google's console saves it."""
    told = {
        "type": "service_account",
        "project_id": "sample-project",
        "private_key_id": "0f1e2d3c",
        "private_key": private_key(),
        "client_email": CLIENT_EMAIL,
        "token_uri": "https://oauth2.googleapis.com/token",
        "universe_domain": "googleapis.com",
    }
    return json.dumps({**told, **more})


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_: Any, **__: Any) -> None:
        """Nothing."""


class Google:
    """A running stand-in."""

    def __init__(self, server: BaseWSGIServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}"
        self._session = requests.Session()

    def switch(self, **switches: Any) -> None:
        """Changes switches of the stand-in."""
        self._session.post(f"{self.url}/_sheets", json=switches).raise_for_status()

    def fail(self, status: int, count: int = 1, **more: Any) -> None:
        """So many of the next calls are answered this; `after`: once they were carried out."""
        self.switch(failing={"status": status, "count": count, **more})

    def fill(self, *rows: list[Any], title: str = "Sheet1") -> None:
        """The sheet has these rows and no other."""
        self.switch(grids={title: [list(row) for row in rows]})

    def rows(self, title: str = "Sheet1") -> list[list[Any]]:
        """The sheet's rows."""
        found: list[list[Any]] = self._session.get(f"{self.url}/_sheets/values").json()[title]
        return found

    def calls(self) -> dict[str, int]:
        """How often each route was asked."""
        found: dict[str, int] = self._session.get(f"{self.url}/_sheets/stats").json()
        return found

    def close(self) -> None:
        """Gives the sockets back."""
        self._session.close()


@contextmanager
def google() -> Iterator[Google]:
    """A stand-in that listens on a free port."""
    server = make_server("127.0.0.1", 0, create_sheets(), threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    found = Google(server)
    try:
        yield found
    finally:
        found.close()
        server.shutdown()
        thread.join()
        server.server_close()


def options(**more: Any) -> dict[str, Any]:
    """Options of a sheet in it."""
    return {"spreadsheet": SPREADSHEET, **more}


def told(email: str | None = "ada@example.com", event: str = "contact_created", **more: Any) -> dict[str, Any]:
    """An event's payload; what is no key of a payload is one of its contact."""
    keys = ("id", "changed", "previous", "session_id", "partial")
    about = {key: more.pop(key) for key in keys if key in more}
    about |= {"data": more.pop("conversation")} if "conversation" in more else {}
    segments = more.get("segments", [])
    contact = {"segments": segments, "segments_text": ", ".join(segments), "data": {}, **more}
    if email is not None:
        contact = {"email": email, **contact}
    common = {"id": "e1", "event": event, "occurred_at": "2026-03-01T12:00:00.000Z", "connection_id": "W"}
    return {**common, "contact": contact, "changed": [], "previous": {}, **about}
