"""What Crisp must hold after samples were sent: read from the expected contacts and `fields.json`, by nobody else."""

import json
from datetime import UTC, datetime
from typing import Any

from connector.samples import Sample, of_source
from tests.process.running import ROOT

SAMPLES = ROOT / "manifests" / "samples"
_DECLARED = json.loads((ROOT / "manifests" / "fields.json").read_text())["fields"]
_CRISP: dict[str, dict[str, str] | None] = {field["key"]: field["crisp"] for field in _DECLARED}
_NAMES = ("nickname", "first_name", "last_name", "full_name")
# The parts of a card that are Crisp's own.
_OWN = ("people_id", "created_at", "updated_at", "score")

Record = dict[str, Any]
Person = dict[str, Any]


def samples() -> list[Sample]:
    """Every sample of every source."""
    folders = sorted(path.name for path in SAMPLES.iterdir() if list(path.glob("*.contact.json")))
    return [each for source in folders for each in of_source(source)]


def failed(record: Record) -> bool:
    """Whether it is rejected."""
    return not record["deleted"] and any(note["level"] == "error" for note in record["notes"])


def delivered(records: list[Record]) -> list[Record]:
    """Those that are told to Crisp."""
    return [record for record in records if not record["deleted"] and not failed(record)]


def placeless(records: list[Record]) -> set[str]:
    """Fields that delivered records have and Crisp has no place for; names become the nickname."""
    said = {key for record in delivered(records) for key in record["contact"]}
    return {key for key in said if key not in _NAMES and _CRISP[key] is None}


def people(records: list[Record]) -> dict[str, Person]:
    """Email → person; no sample tells of one person twice."""
    told = [record["contact"] for record in delivered(records)]
    found = {contact["email"]: _as_card(contact) for contact in told}
    assert len(found) == len(told)
    return found


def _name(contact: dict[str, Any]) -> str:
    nickname, first, last, full = (contact.get(key) for key in _NAMES)
    both = f"{first} {last}" if first and last else None
    return nickname or both or full or first or last or contact["email"].split("@")[0]


def _as_card(contact: dict[str, Any]) -> Person:
    """By the paths that `fields.json` declares."""
    card: Person = {"person": {}, "company": {}, "notepad": "", "active": {"now": False}, "segments": []}
    card["data"] = {key: value for key, value in contact["data"].items() if value is not None}
    for key, value in {**contact, "nickname": _name(contact)}.items():
        place = _CRISP[key]
        if key == "data" or place is None:
            continue
        if place["form"] == "milliseconds":
            card["active"]["last"] = round(datetime.fromisoformat(value).timestamp() * 1000)
            continue
        *parents, leaf = place["path"].split(".")
        node = card
        for name in parents:
            node = node.setdefault(name, {})
        node[leaf] = [value] if place["form"] == "list" else value
    return card


def held(card: Person, key: str) -> Any:
    """What a card holds of a contact field, as a contact has it; None when nothing."""
    if key == "data":
        return card["data"]
    if key in _NAMES:
        return card["person"].get("nickname")
    place = _CRISP[key]
    assert place is not None, f"Crisp has no place for {key}"
    node: Any = card["active"].get("last") if place["form"] == "milliseconds" else card
    if place["form"] == "milliseconds":
        return node and datetime.fromtimestamp(node / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for name in place["path"].split("."):
        node = node.get(name) if isinstance(node, dict) else None
    return node[0] if node and place["form"] == "list" else node


def has_place(key: str) -> bool:
    """Whether Crisp has a place for a contact field."""
    return key in _NAMES or _CRISP[key] is not None


def without_own(card: Person) -> Person:
    """A card without what Crisp itself adds."""
    return {key: value for key, value in card.items() if key not in _OWN}
