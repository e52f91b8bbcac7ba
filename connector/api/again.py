"""Requests that come again: with the same Idempotency-Key they get the answer that they had."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Response

from connector.api.access import connection_id, services
from connector.api.answers import answer
from connector.api.described import View, told
from connector.api.incoming import once, request_hash
from connector.ledger import requests

P = ParamSpec("P")


def keyed(view: View) -> View:
    """Says of a view that it reads an Idempotency-Key, whatever it does with it."""
    fail = ("idempotency_mismatch", "parameter_invalid/Idempotency-Key")
    return told(view, fail=fail, headers=("Idempotency-Key",))


def answered_once(view: Callable[P, Response]) -> Callable[P, Response]:
    """Does what the view does once per Idempotency-Key and day. A request that failed may be sent again.

    Contacts and batches do not need it: their key is taken in the transaction that accepts them.
    """

    @wraps(view)
    def run(*args: P.args, **kwargs: P.kwargs) -> Response:
        key = once(request_hash())
        if key is None:
            return view(*args, **kwargs)
        ledger, now = services().ledger, services().courier.clock()
        with ledger.write(durable=True) as connection:
            first = key.taken(connection, connection_id(), now)
        if first is not None and first.answer is not None:
            return answer(first.answer["body"], first.answer["status"])
        response = view(*args, **kwargs)
        with ledger.write(durable=True) as connection:
            stored = {"status": response.status_code, "body": response.get_json()}
            requests.made(connection, connection_id(), key.key, answer=stored)
        return response

    return keyed(run)
