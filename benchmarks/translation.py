"""Translating samples, against the floor: parsing the same bytes and converting each such value once."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from lxml import etree

from benchmarks.report import Figure
from connector import sources
from connector.convert import Given
from connector.convert.countries import country
from connector.convert.email import addresses
from connector.manifest import shipped
from connector.mapping import Rules, date_orders, layout_of, translate
from connector.memory import calm_the_collector
from connector.samples import Sample, of_source

# Short turns, many of them: what disturbs the machine then meets both alike.
_ROUNDS, _SECONDS = 35, 0.04
_NOTHING_GIVEN = Given()


def measure() -> Iterator[Figure]:
    """One figure per source, of a process that treats its memory as those do that take records in."""
    calm_the_collector()
    for source in shipped().sources:
        samples = list(of_source(source))
        ours, floor, records = _ours(samples), _floor(samples), _count(samples)
        pairs = [(_rate(floor), _rate(ours)) for _ in range(_ROUNDS)]
        ratio = sorted(mine / theirs for theirs, mine in pairs)[_ROUNDS // 2]
        speed = sorted(mine for _, mine in pairs)[_ROUNDS // 2] * records
        yield Figure(f"translation of {source}, of the floor", ratio, "×", 0.5, "more", f"{speed:,.0f} records/s")


def _count(samples: list[Sample]) -> int:
    return sum(len(_read(sample).records) for sample in samples)


def _read(sample: Sample) -> sources.Payload:
    """Of JSON, by the parser of the floor: what its body costs to be received is measured with accepting."""
    value = json.loads(sample.body) if "json" in sample.content_type else sample.value
    return sources.read(value, None, sample.headers)


def _rate(work: Callable[[], None]) -> float:
    """How often in a second of processor time."""
    times, began = 0, time.process_time()
    while time.process_time() < began + _SECONDS:
        work()
        times += 1
    return times / (time.process_time() - began)


def _ours(samples: list[Sample]) -> Callable[[], None]:
    manifest, given = shipped(), Given(None, "UTC", None, datetime.now(UTC))

    def work() -> None:
        for sample in samples:
            payload = _read(sample)
            source = manifest.sources[payload.source]
            many = len(payload.records) > 1
            orders = date_orders(payload.records, source, manifest, ()) if many else {}
            rules = Rules(given, date_orders=orders)
            for record in payload.records:
                translate(record, source, manifest, rules)

    return work


def _floor(samples: list[Sample]) -> Callable[[], None]:
    """The libraries alone: one check for each email, phone and country that the samples hold."""
    values = [(_parser(sample), sample.body, *_values(_read(sample))) for sample in samples]

    def work() -> None:
        for parse, body, *texts in values:
            parse(body)
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


def _parser(sample: Sample) -> Callable[[bytes], Any]:
    """The bare parser of a sample's kind."""
    parsers: dict[str, Callable[[bytes], Any]] = {"json": json.loads, "xml": etree.fromstring, "urlencoded": _form}
    return next(parser for kind, parser in parsers.items() if kind in sample.content_type)


def _form(body: bytes) -> Any:
    return parse_qsl(body.decode())


def _values(read: sources.Payload) -> tuple[list[str], list[str], list[str]]:
    """The emails, phones and countries that stand in a payload in places of such fields."""
    manifest = shipped()
    found: dict[str, list[str]] = {"email": [], "phone": [], "country": [], "company_country": []}
    for record in read.records:
        layout = layout_of(record, manifest.sources[read.source], manifest)
        for field, texts in found.items():
            values = [record.values.get(slot.name) for slot in layout.slots.get(field, ())]
            listed = [each for value in values for each in (value if isinstance(value, list) else [value])]
            texts += [str(each) for each in listed if isinstance(each, str | int) and str(each).strip()]
    emails = [each for text in found["email"] for each in addresses(text)]
    return emails, found["phone"], [*found["country"], *found["company_country"]]
