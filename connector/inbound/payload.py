"""Payloads: the bytes that came, as payloads of a source."""

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any

from connector.body import LINES, read_body
from connector.errors import Problem
from connector.inbound.needs import Needs
from connector.intake import Options, Reading
from connector.intake.options import NOTE
from connector.intake.payloads import of_lines, of_value
from connector.ledger import inbounds, people
from connector.ledger.inbounds import Address
from connector.saying import say
from connector.sources import Payload, read, registry


def value_of(body: bytes, content_type: str) -> Any:
    """What a body says. Raises `content_missing` for none, and what `read_body` raises."""
    if not body.strip():
        raise Problem("content_missing", message=say("The request had no body."))
    return read_body(body, content_type)


def is_lines(content_type: str) -> bool:
    """Whether there is a JSON text per line."""
    return content_type.partition(";")[0].strip() in LINES


def reading_of(
    needs: Needs, address: Address, values: Sequence[Any], headers: Mapping[str, str], *, before: int = 0
) -> Reading:
    """The records of values that came with these headers, read as the address says; `before`: rows that came before
    them. Raises `body_not_records`, `too_many_records`."""
    options = options_of(needs, address)
    found = [of_value(value, headers).read(options.source) for value in values]

    def payloads() -> Iterator[Payload]:
        for each in found:
            yield from each()

    return needs.intake.reading(payloads, options, before=before)


def reading_of_everybody(needs: Needs, address: Address, value: Any, headers: Mapping[str, str]) -> Reading | None:
    """What is said of everybody whom a source has sent, person by person; None when it is about no such thing, when
    there is nobody, and when another account may have sent them: which is whose is not known. Raises
    `too_many_records`."""
    of_everybody = getattr(registry()[address.source], "of_everybody", None)
    of_one = of_everybody(value, headers) if of_everybody else None
    if of_one is None:
        return None
    with needs.ledger.read() as connection:
        alone = inbounds.accounts(connection, address.connection_id, address.source) == 1
        ids = people.ids_of(connection, address.connection_id, address.source) if alone else []
    if not ids:
        return None
    return needs.intake.reading(
        lambda: (read(of_one(its_id), address.source) for its_id in ids), options_of(needs, address)
    )


def reading_of_lines(needs: Needs, address: Address, body: bytes) -> Reading:
    """The same for a JSON text per line."""
    options = options_of(needs, address)
    return needs.intake.reading(of_lines(BytesIO(body)).read(options.source), options)


def options_of(needs: Needs, address: Address) -> Options:
    """How an address reads: a mapping that finds nothing in what came is only noted, for it came before."""
    said = {"on_delete": NOTE, **address.options, "source": address.source}
    return Options.given(said, needs.manifest, mapping=address.options.get("mapping"), saved_mapping=True)
