"""What is sent for real goes out once: each form that sends has a mark, and a click or a reload more gets the answer
that the first one had (`Idempotency-Key`). The same sent again from a page that was made since then is a new wish."""

import hashlib
import json
import secrets
from functools import partial
from typing import IO, Any

from flask import Flask, request

_MARK = "once"
_CHUNK = 1_000_000


def mark() -> str:
    """The mark of a form that is just being made."""
    return secrets.token_urlsafe(16)


def once(path: str, *said: Any, file: IO[bytes] | None = None) -> dict[str, str]:
    """The header of a request that comes of the form at hand: the same for the same form, path and content. None of a
    form without a mark."""
    given = request.form.get(_MARK, "")
    if not given:
        return {}
    digest = hashlib.sha256(json.dumps([given, path, said]).encode())
    if file is not None:
        for chunk in iter(partial(file.read, _CHUNK), b""):
            digest.update(chunk)
        file.seek(0)
    return {"Idempotency-Key": digest.hexdigest()}


def prepare(app: Flask) -> None:
    """Templates make marks."""
    app.jinja_env.globals.update(mark=mark)
