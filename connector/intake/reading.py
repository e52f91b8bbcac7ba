"""Reading: payloads → numbered, translated records, ready to be decided on. Writes nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from connector.convert import Given
from connector.convert.given import DateOrder
from connector.errors import Detail, Problem
from connector.intake.options import Options
from connector.manifest import Manifest
from connector.mapping import Columns, Rules, Translated, missing_paths, places, translate
from connector.notes import Note
from connector.record import Record
from connector.saying import Count
from connector.sources import Payload

MOST_RECORDS = 100_000


class Incoming(NamedTuple):
    """One record: its row from 1 in the whole of what came, where it comes from, and what it says."""

    row: int
    source: str
    variant: str
    translated: Translated


class Reading:
    """All records of one request. `payloads` gives them again each time it is called, so that many need no memory.

    `most`: so many are taken, else as many as of a batch. `whole`: the mapping was compared with all columns before.
    `date_orders`: how columns write days, where that is known before the records are read. `before`: rows that came
    before these.
    Raises `too_many_records`, `mapping_path_missing`.
    """

    def __init__(
        self,
        payloads: Callable[[], Iterable[Payload]],
        options: Options,
        manifest: Manifest,
        now: datetime,
        *,
        most: int | None = None,
        whole: bool = False,
        date_orders: Mapping[str, DateOrder] | None = None,
        before: int = 0,
    ) -> None:
        self._before = before
        self._most = MOST_RECORDS if most is None else most
        self._payloads, self._options, self._manifest = payloads, options, manifest
        self._given = Given(options.country, options.timezone, None, now)
        self.notes: list[Note] = []
        self._orders = date_orders or {}
        self._columns: dict[str, Columns] = {}
        self.count = self._scan()
        self.sources = list(self._columns)
        if options.mapping and not (options.saved_mapping or whole) and self.count:
            self._check_mapping()
        self._rules = {source: self._rules_for(source) for source in self.sources}

    def __iter__(self) -> Iterator[Incoming]:
        row = self._before
        for payload in self._payloads():
            source, rules = self._manifest.source(payload.source), self._rules[payload.source]
            for record in payload.records:
                row += 1
                yield Incoming(row, source.key, payload.variant, translate(record, source, self._manifest, rules))

    def places(self) -> Iterator[list[dict[str, Any]]]:
        """Of each record, where its values go."""
        for payload in self._payloads():
            source, rules = self._manifest.source(payload.source), self._rules[payload.source]
            for record in payload.records:
                yield places(record, source, self._manifest, rules.mapping)

    def _scan(self) -> int:
        count = 0
        for payload in self._payloads():
            count += len(payload.records)
            if count > self._most:
                raise Problem("too_many_records", limit=Count(self._most))
            self.notes.extend(found for found in payload.notes if found not in self.notes)
            columns = self._columns_of(payload.source)
            for record in payload.records:
                columns.see(record)
        return count

    def _columns_of(self, source: str) -> Columns:
        if source not in self._columns:
            self._columns[source] = Columns(self._manifest.source(source), self._manifest, self._options.mapping)
        return self._columns[source]

    def _records(self, source: str) -> Iterator[Record]:
        return (record for payload in self._payloads() if payload.source == source for record in payload.records)

    def _check_mapping(self) -> None:
        """A mapping that came with the payload and reads nothing in any record is a mistake of the caller."""
        mapping, manifest = self._options.mapping, self._manifest
        missing = [
            set(missing_paths(self._records(key), manifest.source(key), manifest, mapping)) for key in self.sources
        ]
        lost = sorted(set.intersection(*missing))
        if lost:
            code = "mapping_path_missing"
            errors = [Detail(Problem(code, field=key).message, code, key) for key in lost]
            raise Problem(code, field=", ".join(lost), errors=errors)

    def _rules_for(self, source: str) -> Rules:
        """A record that comes alone shows nothing of its column."""
        options, orders = self._options, self._columns[source].date_orders if self.count > 1 else {}
        orders = {**orders, **self._orders}
        return Rules(self._given, options.mapping, options.unmapped_as_data, options.saved_mapping, orders)

    @property
    def on_delete(self) -> str | None:
        """What a deletion over there does."""
        return self._options.on_delete

    @property
    def date_orders(self) -> dict[str, DateOrder]:
        """Column → how it writes days, of records of one source."""
        return {name: order for rules in self._rules.values() for name, order in rules.date_orders.items()}

    @property
    def began(self) -> int:
        """When it was asked for (UNIX milliseconds)."""
        return round(self._given.now.timestamp() * 1000)

    @property
    def given(self) -> dict[str, str | None]:
        """The country and the zone by which values are read."""
        return {"country": self._given.country, "timezone": self._given.timezone}
