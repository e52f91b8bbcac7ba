"""What hears and tells goes on after the database was away."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from connector.ledger import events
from tests.app.stack import Stack, until


def test_a_database_that_is_away_ends_no_thread(
    api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, away = stack.services.events, 0

    def gone(*_: object) -> None:
        nonlocal away
        away += 1
        raise OperationalError("SELECT", {}, Exception("away"))

    with monkeypatch.context() as cut:
        for name in ("due", "next_due_at"):
            cut.setattr(events, name, gone)
        runner.start()
        until(lambda: away > 1)
    thread = runner._thread
    assert thread is not None
    assert thread.is_alive()
