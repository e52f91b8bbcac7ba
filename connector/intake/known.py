"""What the ledger knows of the people that records are about."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from connector.intake.decide import Knowledge
from connector.intake.reading import Incoming
from connector.ledger import erasures, inbounds, people, records
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
    # Who is to go is known for a moment more: what is said since then must be told all the same.
    on_the_way |= erasures.names(connection, connection_id, sorted(names | others))
    return Knowledge(known, emails, on_the_way, _sole(connection, connection_id, listed, emails, manifest))


def _emails(
    connection: Connection, connection_id: str, incoming: list[Incoming], manifest: Manifest
) -> dict[tuple[str, str], str]:
    """Emails by which records were known before, of sources whose ids name a record everywhere."""
    ids: dict[str, set[str]] = {}
    for each in incoming:
        if each.translated.id and manifest.source(each.source).global_ids:
            ids.setdefault(each.source, set()).add(each.translated.id)
    found: dict[tuple[str, str], str] = {}
    for source, wanted in ids.items():
        linked = people.linked(connection, connection_id, source, sorted(wanted))
        found.update({(source, record_id): email for record_id, email in linked.items()})
    return found


def _sole(
    connection: Connection,
    connection_id: str,
    incoming: list[Incoming],
    emails: Mapping[tuple[str, str], str],
    manifest: Manifest,
) -> frozenset[tuple[str, str, str]]:
    """Source, email and id of records to whose person no other record of the source leads, where that matters: the
    record is deleted, or says another address than before.

    A source that has ids means whom its id leads to: that the address is the same does not say that it is the same
    record, for a shop may keep a deleted row beside the living one.
    """
    asked: dict[str, set[tuple[str, str]]] = {}
    for each in incoming:
        said, its_id = each.translated, each.translated.id or ""
        before = emails.get((each.source, its_id))
        email = before if manifest.source(each.source).global_ids else said.contact.email
        if email and (said.deleted or (before and said.contact.email not in (None, before))):
            asked.setdefault(each.source, set()).add((email, its_id))
    found: set[tuple[str, str, str]] = set()
    for source, wanted in asked.items():
        if manifest.source(source).ids_of_account and inbounds.accounts(connection, connection_id, source) > 1:
            continue
        leading = people.leading(connection, connection_id, source, sorted({email for email, _ in wanted}))
        living = _living(incoming, source)
        for email, its_id in wanted:
            if leading.get(email, set()) | living.get(email, set()) <= {its_id}:
                found.add((source, email, its_id))
    return frozenset(found)


def _living(incoming: list[Incoming], source: str) -> dict[str, set[str]]:
    """Emails → ids of records that come beside the others and are not deleted."""
    found: dict[str, set[str]] = {}
    for each in incoming:
        said = each.translated
        if each.source == source and said.contact.email and said.id and not said.deleted:
            found.setdefault(said.contact.email, set()).add(said.id)
    return found
