"""Files that are kept go after a while: swept once a minute."""

import os
import time
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from connector.budget import DAY
from connector.ledger.tables import file_parts, imports
from connector.uploads import forgetting
from connector.uploads.store import Directory
from tests.app.files import IMPORTS, deliver, imported, kept
from tests.app.stack import DATABASES, Stack, problem

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)

FILE = "email,name\nnobody,First\nada@example.com,Ada\nbob@example.com,Bob\n"


def known(stack: Stack) -> str:
    """The import of a file that is delivered."""
    import_id = imported(stack.client(), FILE)
    deliver(stack)
    return import_id


def sweep(stack: Stack, days: int, *, later: float = 0) -> None:
    services = stack.services
    now = services.courier.clock() + int(later * DAY)
    forgetting.sweep(services.ledger, services.store, days, now)


def age(stack: Stack, seconds: float) -> None:
    """The files are older than they are."""
    store = stack.services.store
    for connection_id, digest, kept_at in store.every():
        if isinstance(store, Directory):
            path = store._folder(connection_id) / digest
            os.utime(path, (kept_at - seconds, kept_at - seconds))
    with stack.services.ledger.write() as connection:
        connection.execute(update(file_parts).values(created_at=int((time.time() - seconds) * 1000)))


def test_a_file_in_use_stays(api: FlaskClient, stack: Stack) -> None:
    known(stack)
    age(stack, 7_200)
    sweep(stack, 30, later=29)
    assert len(kept(stack)) == 1


def test_a_file_goes_after_the_days_of_retention(api: FlaskClient, stack: Stack) -> None:
    import_id = known(stack)
    age(stack, 7_200)
    sweep(stack, 30, later=31)
    assert kept(stack) == []
    assert "failures" not in api.get(f"{IMPORTS}/{import_id}").get_json()["links"]
    problem(api.get(f"{IMPORTS}/{import_id}/failures.csv"), 404, "file_forgotten")


def test_a_file_of_which_something_waits_stays(api: FlaskClient, stack: Stack) -> None:
    imported(api, FILE, options={"limit": 1})
    deliver(stack)
    age(stack, 7_200)
    sweep(stack, 30, later=300)
    assert len(kept(stack)) == 1


def test_without_days_files_are_kept_for_ever(api: FlaskClient, stack: Stack) -> None:
    known(stack)
    age(stack, 7_200)
    sweep(stack, 0, later=10_000)
    assert len(kept(stack)) == 1


def test_a_file_that_no_import_names_goes_when_it_has_settled(api: FlaskClient, stack: Stack) -> None:
    with stack.services.store.incoming() as coming:
        coming.write(b"left behind")
        stack.services.store.keep(stack.tenant.id, coming, coming.finish())
    sweep(stack, 30)
    assert kept(stack) == [b"left behind"], "it may be just coming in"
    age(stack, 7_200)
    sweep(stack, 30)
    assert kept(stack) == []


def test_an_import_that_was_never_accepted_leaves_no_file(api: FlaskClient, stack: Stack) -> None:
    """As after a kill: the sender was never told of it."""
    known(stack)
    with stack.services.ledger.write() as connection:
        connection.execute(update(imports).values(accepted_at=None, touched_at=0, created_at=0))
    age(stack, 7_200)
    stack.services.engine.tidy()
    assert (stack.count(), kept(stack)) == (0, [])


def test_what_a_dead_process_was_taking_in_goes(stack: Stack, tmp_path: Path) -> None:
    """Where files are in a directory; else they come in by a temporary one, which is the system's."""
    folder = tmp_path / "incoming"
    folder.mkdir()
    old, new = folder / "1-2-3", folder / "4-5-6"
    for path in (old, new):
        path.write_bytes(b"half a file")
    os.utime(old, (0, 0))
    forgetting.sweep(stack.services.ledger, Directory(tmp_path), 30, 0)
    assert (old.exists(), new.exists()) == (False, True)


def test_a_connection_that_is_removed_takes_its_files_along(api: FlaskClient, stack: Stack) -> None:
    other = stack.other_client()
    imported(other, FILE)
    assert other.delete("/v1/connections/another?confirm=another").status_code == 200
    assert kept(stack) == []
