"""Files sent to a running service, and what is left of them."""

import csv
import io
import json
from threading import Event
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import delete, func, select
from werkzeug.test import TestResponse

from connector.ledger import work
from connector.ledger.tables import file_parts, imports
from connector.uploads.store import Directory
from tests.app.stack import API_KEY, Stack

IMPORTS, PREVIEW = "/v1/imports", "/v1/imports/preview"
BOUNDARY = "between-7f1c"


def form(content: bytes | str, name: str = "contacts.csv", **fields: Any) -> tuple[bytes, str]:
    """The bytes of a form with this file, and its content type; what is no text is sent as JSON."""
    sent = content.encode() if isinstance(content, str) else content
    parts = [(f'name="file"; filename="{name}"', sent)]
    for key, value in fields.items():
        told = value if isinstance(value, str) else json.dumps(value)
        parts.append((f'name="{key}"', told.encode()))
    lines = (
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {about}\r\n\r\n".encode() + said for about, said in parts
    )
    return b"\r\n".join([*lines, f"--{BOUNDARY}--\r\n".encode()]), f"multipart/form-data; boundary={BOUNDARY}"


def send(api: FlaskClient, content: bytes | str, name: str = "contacts.csv", *, to: str = IMPORTS, **more: Any) -> Any:
    """Sends a file. `headers`: of the request; everything else is a field of the form."""
    headers = more.pop("headers", {})
    body, content_type = form(content, name, **more)
    return api.post(to, data=body, headers=headers, content_type=content_type)


def imported(api: FlaskClient, content: bytes | str, name: str = "contacts.csv", **more: Any) -> str:
    """The id of the import that this file became."""
    answer: TestResponse = send(api, content, name, **more)
    assert answer.status_code == 202, answer.get_data(as_text=True)
    import_id: str = answer.get_json()["import_id"]
    return import_id


def previewed(api: FlaskClient, content: bytes | str, name: str = "contacts.csv", **more: Any) -> dict[str, Any]:
    """What would become of a file."""
    answer: TestResponse = send(api, content, name, to=PREVIEW, **more)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    shown: dict[str, Any] = answer.get_json()
    return shown


def outcomes(api: FlaskClient, import_id: str) -> list[tuple[int, str, str | None]]:
    """Row, status and code of every record of an import."""
    shown = api.get(f"{IMPORTS}/{import_id}/records?limit=500").get_json()
    return [(each["row"], each["status"], each.get("code")) for each in shown]


def fetched(stack: Stack, import_id: str, end: str = "failures.csv", *, key: str = API_KEY) -> bytes:
    """A file as it comes; it need not be UTF-8."""
    client = FlaskClient(stack.app)
    answer = client.get(f"{IMPORTS}/{import_id}/{end}", headers={"X-API-Key": key})
    assert answer.status_code == 200, answer.get_json()
    with answer:
        return answer.get_data()


def cells(content: bytes, encoding: str = "utf-8", **dialect: Any) -> list[list[str]]:
    """The cells of a CSV file."""
    return list(csv.reader(io.StringIO(content.decode(encoding), newline=""), **dialect))


def kept(stack: Stack) -> list[bytes]:
    """Every file that the store has, also one that is still coming in."""
    services = stack.services
    found = [path.read_bytes() for path in (services.settings.data_dir / "files").rglob("*") if path.is_file()]
    with services.ledger.read() as connection:
        parts = connection.execute(select(file_parts.c.bytes).order_by(file_parts.c.hash, file_parts.c.part))
        return found + [row.bytes for row in parts]


def count_imports(stack: Stack) -> int:
    """How many imports there are, whether they were accepted or not."""
    with stack.services.ledger.read() as connection:
        return connection.scalar(select(func.count()).select_from(imports)) or 0


def nothing_left(stack: Stack) -> bool:
    """Whether there is no import, no record and no file, not even one that comes in."""
    return (count_imports(stack), stack.count(), kept(stack)) == (0, 0, [])


def empty_store(stack: Stack) -> None:
    """No file is kept, as in a new service."""
    store = stack.services.store
    if isinstance(store, Directory):
        for connection_id, digest, _ in list(store.every()):
            store.drop(connection_id, digest)
    with stack.services.ledger.write() as connection:
        connection.execute(delete(file_parts))


def deliver(stack: Stack) -> None:
    """Delivers all that is due, of a service that does not do so by itself."""
    services, due = stack.services, True
    while due:
        services.courier.drain(stack.tenant.id, Event())
        with services.ledger.read() as connection:
            due_at = work.next_due_at(connection, stack.tenant.id)
        due = due_at is not None and due_at <= services.courier.clock()
