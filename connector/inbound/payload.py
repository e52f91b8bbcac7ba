"""Payloads: the bytes that came, as payloads of a source."""

from io import BytesIO
from typing import Any

from connector.body import read_form, read_json
from connector.errors import Problem
from connector.inbound.needs import Needs
from connector.intake import Options, Reading
from connector.intake.payloads import of_lines, of_value
from connector.ledger.inbounds import Address

_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def value_of(body: bytes, content_type: str) -> Any:
    """What a body says: a form's fields, or JSON whatever its type. Raises `content_missing` for none, and what
    `read_json` and `read_form` raise."""
    if not body.strip():
        raise Problem("content_missing", message="The request had no body.")
    kind = content_type.partition(";")[0].strip()
    if kind in _FORMS and not (kind == _FORMS[0] and body.lstrip()[:1] in (b"{", b"[")):
        return read_form(body, content_type)
    return read_json(body)


def is_lines(content_type: str) -> bool:
    """Whether there is a JSON text per line."""
    return content_type.partition(";")[0].strip() in _LINES


def reading_of(needs: Needs, address: Address, value: Any) -> Reading:
    """The records of a value, read as the address says. Raises `body_not_records`, `too_many_records`."""
    options = options_of(needs, address)
    return needs.intake.reading(of_value(value).read(options.source), options)


def reading_of_lines(needs: Needs, address: Address, body: bytes) -> Reading:
    """The same for a JSON text per line."""
    options = options_of(needs, address)
    return needs.intake.reading(of_lines(BytesIO(body)).read(options.source), options)


def options_of(needs: Needs, address: Address) -> Options:
    """How an address reads: a mapping that finds nothing in what came is only noted, for it came before."""
    said = {**address.options, "source": address.source}
    return Options.given(said, needs.manifest, mapping=address.options.get("mapping"), saved_mapping=True)
