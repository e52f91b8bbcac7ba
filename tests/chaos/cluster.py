"""Processes of ours on one machine or, with a shared database, as if on many; killed, started again, asked things."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count, cycle
from pathlib import Path
from types import MappingProxyType
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.process.running import KEY, PROGRAM, Crisp, Running, running, together, until

Record = dict[str, Any]

# How many values each of the two keys of `alike` people has, and how many people are told one in one call at most.
VALUES, IN_ONE = (3, 2), 500


class Member:
    """One process of the cluster, again and again."""

    def __init__(self, command: str, env: Mapping[str, str], folder: Path, program: Sequence[str]) -> None:
        self.command, self._env, self._folder, self._program = command, env, folder, program
        self._stack = ExitStack()
        self.running: Running | None = None

    def start(self) -> None:
        """A new process; ready when this returns."""
        listens = ("--port", "0") if self.command in ("serve", "web") else ()
        process = running(self.command, *listens, "--json", env=self._env, folder=self._folder, program=self._program)
        self.running = self._stack.enter_context(process)

    def kill(self) -> None:
        """SIGKILL, to it and to its workers."""
        if self.running is not None:
            self.running.kill()
        self._end()

    def stop(self) -> None:
        """SIGTERM, and its end."""
        if self.running is not None:
            assert self.running.stop(60) == 0, self.running.messages()[-2000:]
        self._end()

    def _end(self) -> None:
        self.running = None
        self._stack.close()

    def close(self) -> None:
        """Whatever state it is in."""
        self._end()


class Cluster:
    """Members that share a ledger, and the clients that ask them things."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = members
        self._turn = count()

    def start(self) -> None:
        """Starts whoever is not there."""
        together(*[member.start for member in self.members if member.running is None])

    def kill(self) -> None:
        """Everybody at once; who delivers first, so that what was out a moment ago still is."""
        for member in reversed(self.members):
            member.kill()

    @property
    def url(self) -> str:
        """Where one of the web processes listens, each in turn."""
        listening = [member.running for member in self.members if member.command in ("serve", "web")]
        urls = [each.url for each in listening if each is not None]
        assert urls, "nobody listens"
        return urls[next(self._turn) % len(urls)]

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """One request to one of them."""
        headers = {"Authorization": f"Bearer {KEY}", **more.pop("headers", {})}
        return requests.request(method, self.url + path, headers=headers, timeout=more.pop("timeout", 60), **more)

    def accepted(self, records: Sequence[Record], name: str, seconds: float = 180) -> str:
        """Sends a batch until it is answered, as a careful sender does: with an idempotency key. Its import's id."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                answer = self.ask("POST", "/v1/contacts/batch", json=list(records), headers={"Idempotency-Key": name})
            except (requests.RequestException, AssertionError):
                time.sleep(0.2)
                continue
            if answer.status_code == 202:
                return str(answer.json()["import_id"])
            assert answer.status_code >= 500, answer.text
            time.sleep(0.2)
        raise AssertionError(f"the batch {name} was not taken within {seconds} s")

    def shown(self, import_id: str) -> dict[str, Any]:
        """An import as it stands."""
        answer = self.ask("GET", f"/v1/imports/{import_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def finished(self, import_ids: Sequence[str], seconds: float = 240) -> list[dict[str, int]]:
        """The totals of these imports once nothing of them waits."""

        def look() -> list[dict[str, int]] | None:
            totals = [self.shown(each)["totals"] for each in import_ids]
            return None if any(each["waiting"] for each in totals) else totals

        return until(look, seconds, "the end of the imports") or []

    def metric(self, name: str, **labels: str) -> int:
        """The sum of a metric's samples that have these labels."""
        answer = self.ask("GET", "/metrics")
        assert answer.status_code == 200, answer.text
        families = text_string_to_metric_families(answer.text)
        named = (each for family in families for each in family.samples if each.name == f"crisp_connector_{name}")
        return int(sum(each.value for each in named if labels.items() <= each.labels.items()))

    def unanswered(self) -> int:
        """Calls that were bought today and whose answer is not in the ledger: when all is done, those that were in
        flight whenever somebody was killed."""
        return self.metric("quota_used_calls") - self.metric("calls_total")


@contextmanager
def cluster(
    env: Mapping[str, str], folder: Path, *commands: str, programs: Mapping[int, Sequence[str]] = MappingProxyType({})
) -> Iterator[Cluster]:
    """A cluster that runs, until the test ends. `programs`: by the place of its command, who runs another program."""
    made = Cluster([Member(each, env, folder, programs.get(n, PROGRAM)) for n, each in enumerate(commands)])
    try:
        made.start()
        yield made
    finally:
        together(*[member.close for member in made.members])


def people(name: str, number: int, first: int = 0, **more: Any) -> list[Record]:
    """New people, each with custom data of its own: two calls each."""
    numbers = range(first, first + number)
    return [{"email": f"{name}.{n}@example.com", "nickname": f"N{n}", "data": {"n": n}, **more} for n in numbers]


def alike(name: str, number: int) -> list[Record]:
    """New people whose custom data repeats: where many are told in one call, one call each and a few for all."""
    plans, colours = (f"plan {n}" for n in cycle(range(VALUES[0]))), (f"colour {n}" for n in cycle(range(VALUES[1])))
    told = zip(people(name, number), plans, colours, strict=False)
    return [{**person, "data": {"plan": plan, "colour": colour}} for person, plan, colour in told]


def in_batches(number: int, *keys: int) -> int:
    """The least calls that tell so many people a value of each key, which has so many values."""
    return sum(values * -(-number // (values * IN_ONE)) for values in keys)


def wrong(crisp: Crisp, sent: Sequence[Record]) -> list[str]:
    """Addresses of those whom Crisp does not hold just as they were sent last, and of those whom nobody sent."""
    cards = crisp.people().items()
    held = {email: (card["person"]["nickname"], card["segments"], card["data"]) for email, card in cards}
    wanted = {each["email"]: (each["nickname"], each.get("segments", []), each["data"]) for each in sent}
    return sorted(email for email in held.keys() | wanted.keys() if held.get(email) != wanted.get(email))
