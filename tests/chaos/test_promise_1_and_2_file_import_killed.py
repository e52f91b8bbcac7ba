"""Promises 1 and 2 for a file: every process is killed with -9 at random moments, also while the file comes in."""

import csv
import io
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import requests

from tests.chaos.cluster import Cluster, Record, cluster, people, wrong
from tests.chaos.figures import Figure, report, sized
from tests.process.running import Crisp

PEOPLE, TWICE, NOBODY = sized(600, 5_000), 40, 20
ROWS = PEOPLE + TWICE + NOBODY
# Kills while the file comes in, and while it is delivered.
COMING, DELIVERED = sized(2, 5), sized(4, 15)
CONCURRENCY, LATENCY = 16, 50
IN_FLIGHT = CONCURRENCY + CONCURRENCY // 4
_MOMENTS = random.Random(5)


class Sender:
    """A careful sender of one file: with an Idempotency-Key, again and again until it is answered. `cut`: so many
    requests were not, for somebody died."""

    def __init__(self, members: Cluster, file: bytes) -> None:
        self._members, self._file = members, file
        self.sends, self.cut, self.ids = Event(), 0, set[str]()

    def send(self, seconds: float = 240) -> str:
        """Sends it until it is taken; the import's id."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if (import_id := self.once()) is not None:
                return import_id
            time.sleep(0.2)
        raise AssertionError(f"the file was not taken within {seconds} s")

    def once(self) -> str | None:
        """One try; the import's id if it was answered."""
        self.sends.set()
        sent = {"files": {"file": ("contacts.csv", self._file)}, "headers": {"Idempotency-Key": "the file"}}
        try:
            answer = self._members.ask("POST", "/v1/imports", **sent)
        except AssertionError:  # Nobody listens.
            return None
        except requests.RequestException:
            self.cut += 1
            return None
        if answer.status_code == 202:
            self.ids.add(str(answer.json()["import_id"]))
            return str(answer.json()["import_id"])
        assert answer.status_code >= 500, answer.text
        return None


def told() -> list[Record]:
    """New people with custom data of their own, as a file can tell of them."""
    return [{**each, "data": {"n": f"no {n}"}} for n, each in enumerate(people("file", PEOPLE))]


def written(sent: Sequence[Record]) -> bytes:
    """A file with all of them; some are told of twice, the last counts; and some rows are of nobody."""
    older = [{**each, "nickname": "old"} for each in sent[:TWICE]]
    buffer = io.StringIO(newline="")
    rows = csv.writer(buffer)
    rows.writerow(("Email", "Nickname", "data.n"))
    rows.writerows((each["email"], each["nickname"], each["data"]["n"]) for each in (*older, *sent))
    rows.writerows(("nobody", f"N{n}", "") for n in range(NOBODY))
    return buffer.getvalue().encode()


def test_promise_1_and_2_a_file_is_imported_once_and_whole(
    crisp: Crisp, env: dict[str, str], commands: tuple[str, ...], tmp_path: Path
) -> None:
    crisp.set(latency_ms=LATENCY)
    sent = told()
    with cluster({**env, "CONNECTOR_CONCURRENCY": str(CONCURRENCY)}, tmp_path, *commands) as members:
        sender = Sender(members, written(sent))
        with ThreadPoolExecutor(1) as thread:
            sending = thread.submit(sender.send)
            killed(members, COMING, lambda: while_it_comes(sender))
            import_id = sending.result()
        killed(members, DELIVERED, lambda: time.sleep(_MOMENTS.uniform(0.2, sized(1, 3))))
        [totals] = members.finished([import_id], 600)
        again = sender.once()
        imports = [each["id"] for each in members.ask("GET", "/v1/imports").json()]
        failures = members.ask("GET", f"/v1/imports/{import_id}/failures.csv").text.splitlines()
    kills = COMING + DELIVERED
    back_end = "SQLite, serve" if len(commands) == 1 else "PostgreSQL + Redis, 2 web, 2 work"
    where = f"a file of {ROWS} rows, {kills} kills, {back_end}"
    creations = crisp.stats()["creations"]
    lost, twice = PEOPLE - len(creations), sum(count > 1 for count in creations.values())
    identity = totals["records"] == ROWS == totals["created"] + totals["superseded"] + totals["rejected"]
    as_told = (totals["created"], totals["superseded"], totals["rejected"]) == (PEOPLE, TWICE, NOBODY)
    differs, once = len(wrong(crisp, sent)), imports == [import_id] == [again] and sender.ids == {import_id}
    extra, most = crisp.calls - 2 * PEOPLE, kills * IN_FLIGHT
    report(
        Figure("1", f"lost: {where}", lost, "0", lost == 0),
        Figure("1", f"records in = outcomes: {where}", identity and as_told, "True", identity and as_told),
        Figure("1", f"in Crisp otherwise than told: {where}", differs, "0", differs == 0),
        Figure("1", f"rows in failures.csv: {where}", len(failures) - 1, str(NOBODY), len(failures) == NOBODY + 1),
        Figure("2", f"created twice: {where}", twice, "0", twice == 0),
        Figure("2", f"one import, {sender.cut} requests cut off: {where}", once, "True", once),
        Figure("2", f"extra calls: {where}", extra, f"≤ {most}", 0 <= extra <= most),
    )


def killed(members: Cluster, times: int, comes: Callable[[], None]) -> None:
    """Everybody is killed so many times, each when the moment comes, and started again."""
    for _ in range(times):
        comes()
        members.kill()
        members.start()


def while_it_comes(sender: Sender) -> None:
    """A moment after the file was sent, or could be sent again."""
    assert sender.sends.wait(60), "nobody sends"
    time.sleep(_MOMENTS.uniform(0.1, 0.6))
