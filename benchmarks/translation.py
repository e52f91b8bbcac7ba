"""Translating samples, against the floor: parsing the same bytes and converting each such value once."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from benchmarks.report import Figure
from connector import sources
from connector.convert import Given
from connector.convert.countries import country
from connector.convert.email import addresses
from connector.manifest import manifests_root, shipped
from connector.mapping import Rules, date_orders, layout_of, translate

_ROUNDS, _SECONDS = 9, 0.12
_NOTHING_GIVEN = Given()


def measure() -> Iterator[Figure]:
    """One figure per source."""
    for source in shipped().sources:
        samples = list(_samples(source))
        ours, floor, records = _ours(samples), _floor(samples), _count(samples)
        pairs = [(_rate(floor), _rate(ours)) for _ in range(_ROUNDS)]
        ratio = sorted(mine / theirs for theirs, mine in pairs)[_ROUNDS // 2]
        speed = sorted(mine for _, mine in pairs)[_ROUNDS // 2] * records
        yield Figure(f"translation of {source}, of the floor", ratio, "×", 0.5, "more", f"{speed:,.0f} records/s")


def _samples(source: str) -> Iterator[bytes]:
    folder = manifests_root().joinpath("samples", source)
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".json") and not entry.name.endswith(".contact.json"):
            yield entry.read_bytes()


def _count(samples: list[bytes]) -> int:
    return sum(len(sources.read(json.loads(sample)).records) for sample in samples)


def _rate(work: Callable[[], None]) -> float:
    """How often in a second of processor time."""
    times, began = 0, time.process_time()
    while time.process_time() < began + _SECONDS:
        work()
        times += 1
    return times / (time.process_time() - began)


def _ours(samples: list[bytes]) -> Callable[[], None]:
    manifest, given = shipped(), Given(None, "UTC", None, datetime.now(UTC))

    def work() -> None:
        for sample in samples:
            payload = sources.read(json.loads(sample))
            source = manifest.sources[payload.source]
            many = len(payload.records) > 1
            orders = date_orders(payload.records, source, manifest, ()) if many else {}
            rules = Rules(given, date_orders=orders)
            for record in payload.records:
                translate(record, source, manifest, rules)

    return work


def _floor(samples: list[bytes]) -> Callable[[], None]:
    """The libraries alone: one check for each email, phone and country that the samples hold."""
    values = [(sample, *_values(json.loads(sample))) for sample in samples]

    def work() -> None:
        for sample, *texts in values:
            json.loads(sample)
            convert(*texts)

    return work


def convert(emails: Iterable[str], phones: Iterable[str], countries: Iterable[str]) -> None:
    """Nothing but the libraries: each value once."""
    for written in emails:
        with suppress(EmailNotValidError):
            validate_email(written, check_deliverability=False)
    for written in phones:
        with suppress(phonenumbers.NumberParseException):
            number = phonenumbers.parse(written, "FR")  # a region, as a record gives one
            if phonenumbers.is_possible_number(number):
                phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    for written in countries:
        country(written, _NOTHING_GIVEN)


def _values(payload: Any) -> tuple[list[str], list[str], list[str]]:
    """The emails, phones and countries that stand in a payload in places of such fields."""
    read, manifest = sources.read(payload), shipped()
    found: dict[str, list[str]] = {"email": [], "phone": [], "country": [], "company_country": []}
    for record in read.records:
        layout = layout_of(record, manifest.sources[read.source], manifest)
        for field, texts in found.items():
            values = [record.values.get(slot.name) for slot in layout.slots.get(field, ())]
            listed = [each for value in values for each in (value if isinstance(value, list) else [value])]
            texts += [str(each) for each in listed if isinstance(each, str | int) and str(each).strip()]
    emails = [each for text in found["email"] for each in addresses(text)]
    return emails, found["phone"], [*found["country"], *found["company_country"]]
