"""What the ledger knows of the people that records are about."""

from collections.abc import Iterable

from sqlalchemy import Connection

from connector.intake.decide import Knowledge
from connector.intake.reading import Incoming
from connector.ledger import people, records
from connector.manifest import Manifest


def knowledge(
    connection: Connection, connection_id: str, incoming: Iterable[Incoming], manifest: Manifest, who: str | None = None
) -> Knowledge:
    """Everything that `decide` needs for these records. `who` is always among the people."""
    listed = list(incoming)
    emails = _emails(connection, connection_id, listed, manifest)
    names = {name for each in listed for name in (each.translated.contact.email, each.translated.people_id) if name}
    names |= {*emails.values(), *([who] if who else [])}
    # Who is on the way is asked first: a delivery that ends between the questions is then in the second answer.
    on_the_way = records.open_whos(connection, connection_id, sorted(names))
    known = people.by_who(connection, connection_id, sorted(names))
    others = {person.email for person in known.values() if person.email} - names
    on_the_way |= records.open_whos(connection, connection_id, sorted(others)) if others else set()
    return Knowledge(known, emails, on_the_way)


def _emails(
    connection: Connection, connection_id: str, incoming: list[Incoming], manifest: Manifest
) -> dict[tuple[str, str], str]:
    """Emails by which records without one were known before, of sources whose ids name a record everywhere."""
    ids: dict[str, set[str]] = {}
    for each in incoming:
        said = each.translated
        if said.id and said.contact.email is None and manifest.source(each.source).global_ids:
            ids.setdefault(each.source, set()).add(said.id)
    found: dict[tuple[str, str], str] = {}
    for source, wanted in ids.items():
        linked = people.linked(connection, connection_id, source, sorted(wanted))
        found.update({(source, record_id): email for record_id, email in linked.items()})
    return found
