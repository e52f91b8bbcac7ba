"""Erasing while somebody else is at the file of the embedded database."""

import sqlite3
import time
from contextlib import closing

import pytest
from flask.testing import FlaskClient

from connector.ledger import remains
from tests.app.stack import Stack, problem
from tests.app.test_erasing import ADA, PATH

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def test_a_busy_database_does_not_undo_an_erasure(api: FlaskClient, stack: Stack) -> None:
    """Somebody reads: the answer is 200 all the same, and the files are cleaned later."""
    ledger = stack.services.ledger
    api.post("/v1/contacts", json={"email": ADA})
    with closing(sqlite3.connect(ledger.files()[0], isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM people").fetchone()
        begun = time.monotonic()
        assert api.delete(PATH).status_code == 200
        assert time.monotonic() - begun < 5
        problem(api.delete(PATH), 404, "contact_missing")
        assert remains.owed(ledger.files()[0])
    ledger._clean_at = 0.0  # it has rested
    stack.services.engine.tidy()
    assert not remains.owed(ledger.files()[0])
    assert ADA.encode() not in b"".join(path.read_bytes() for path in ledger.files() if path.exists())
