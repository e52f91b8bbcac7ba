"""What is shown of many processes: the same by each, the same as the ledger's, and the same after a restart."""

import json
import os
import pty
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.process.commands import Env, people, refused, result
from tests.process.running import PROGRAM, Crisp, Running, Service, clean, run, running, together, until

Values = dict[str, float]
# Scrapes of different moments differ in these alone.
_OF_THE_MOMENT = ("crisp_connector_waiting_oldest_seconds", "crisp_connector_pause_seconds")


_RECORDS = "crisp_connector_records{"


def scraped(service: Service, *, alone: bool = False) -> Values:
    """Every sample of a process, by its name and labels; `alone`: with the key, which sees its connection alone."""
    answer = service.get("/metrics") if alone else requests.get(f"{service.url}/metrics", timeout=20)
    assert answer.ok, answer.text
    return {
        f"{sample.name}{json.dumps(sample.labels, sort_keys=True)}": sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name not in _OF_THE_MOMENT
    }


def total(values: Values, name: str) -> float:
    """The sum of a metric's samples."""
    return sum(value for key, value in values.items() if key.startswith(f"crisp_connector_{name}{{"))


@pytest.fixture
def shared(env: Env, empty_postgres: str) -> Env:
    """The sandbox, and a PostgreSQL database that processes share."""
    return {**env, "CONNECTOR_DATABASE_URL": empty_postgres}


def test_two_web_processes_and_a_work_process_say_what_the_ledger_says(
    shared: Env, crisp: Crisp, tmp_path: Path
) -> None:
    crisp.set(error_rate=0.1)
    web = ("web", "--port", "0", "--json", "--workers", "2")
    with (
        running(*web, env=shared, folder=tmp_path) as first,
        running(*web, env=shared, folder=tmp_path) as second,
        running("work", "--json", env=shared, folder=tmp_path),
    ):
        one, two = Service(first.url), Service(second.url)
        imports = together(lambda: one.batch([*people(150)]), lambda: two.batch([*people(40), {"email": "nobody"}]))
        while_busy = scraped(one)
        assert total(while_busy, "records") == total(while_busy, "records_accepted_total") == 191
        shown = [one.finished(each["import_id"], 40)["totals"] for each in imports]
        together(*(lambda n=n: (one, two)[n % 2].post("/v1/contacts", json=people(5)[n]) for n in range(5)))

        ours = result("status", env=shared)["totals"]
        assert ours["records"] == 196 == sum(count for outcome, count in ours.items() if outcome != "records")
        assert sum(each["rejected"] for each in shown) == ours["rejected"] == 1
        # The answer to a single contact can come before its drain has given the lease back.
        at_rest(shared)
        # A look that took long, while all was busy, is shown for ten times as long as it took.
        until(lambda: all(accepted(one) == 196 for _ in range(8)), 30, "the end of what was seen while all was busy")
        says, also, alone = together(lambda: scraped(one), lambda: scraped(two), lambda: scraped(one, alone=True))
        assert says == also == alone
        assert all(scraped(one) == says for _ in range(8)), "each of its workers says the same"
        for outcome, count in ours.items():
            if outcome != "records":
                assert [says[name] for name in says if name.startswith(_RECORDS) and outcome in name] == [count]
        assert total(says, "records_accepted_total") == 196
        assert total(says, "calls_total") == crisp.calls, "every call is counted once, whoever made it"
        assert total(says, "quota_used_calls") == crisp.calls
        assert total(says, "calls_in_flight") == 0


def accepted(service: Service) -> float:
    """How many records it says were accepted."""
    return total(scraped(service), "records_accepted_total")


def at_rest(env: Env) -> None:
    """Waits until nobody delivers."""
    until(lambda: not result("status", env=env)["connections"][0]["lease"]["holder"], what="the end of the drain")


def test_counters_go_on_after_a_restart(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    command = ("serve", "--port", "0", "--json")
    with running(*command, env=env, folder=tmp_path) as process:
        service = Service(process.url)
        service.finished(service.batch([*people(20)])["import_id"])
        at_rest(env)
        before = scraped(service)
        process.kill()
    with running(*command, env=env, folder=tmp_path) as process:
        service = Service(process.url)
        again = scraped(service)
        assert total(again, "calls_total") == total(before, "calls_total") == crisp.calls == 20
        assert total(again, "delivery_seconds_count") == 20
        service.post("/v1/contacts", json={"email": "ada@example.com"})
        # What was counted a moment ago is shown again for a second.
        until(lambda: total(scraped(service), "calls_total") == 21, 10, "the next call")


def test_status_shows_every_connection_while_the_service_runs(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    assert "There is no database yet" in refused("status", env=env)
    assert not (tmp_path / "data").exists(), "looking makes nothing"
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        service = Service(process.url)
        service.finished(service.batch([*people(20), {"email": "nobody"}])["import_id"])
        shown, printed = together(lambda: result("status", env=env), lambda: run("status", "--once", env=env))
        [only] = shown["connections"]
        assert only["totals"] == shown["totals"]
        assert only["totals"] == {**dict.fromkeys(only["totals"], 0), "records": 21, "created": 20, "rejected": 1}
        assert (only["quota"]["used"], only["quota"]["limit"], only["calls"]) == (20, 10_000, 20)
        assert (only["halted"], only["eta_seconds"], only["waiting"]["oldest_seconds"]) == (None, None, None)
        assert only["last_error"]["code"] == "email_invalid"
        assert printed.returncode == 0, printed.stderr
        for word in ("20/10.0k", "email_invalid", "21 records = 20 created + 1 rejected", "1 worker delivers"):
            assert word in printed.stdout
        assert shown["workers"] == 1
    assert crisp.calls == 20, "status delivers nothing"


def test_status_says_that_nobody_delivers_and_shows_a_long_label_whole(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    label = "Müller-Lüdenscheidt_Haushaltswaren_und_Badezimmerbedarf_Niederlassung_Castrop-Rauxel"
    token = ("--website-id", "W2", "--identifier", "I", "--key", "a-key", "--label", label, "--no-check")
    result("connect", "add", *token, env=env)
    with running("web", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        Service(process.url).batch([*people(20)])
        shown, printed = together(lambda: result("status", env=env), lambda: run("status", "--once", env=env))
        found = result("doctor", env=env, code=1)
    assert (shown["workers"], shown["connections"][0]["eta_seconds"]) == (0, None)
    assert "no worker delivers: start crisp-connector serve or work" in printed.stdout
    cells = [line.split(" ")[0] for line in printed.stdout.splitlines()[1:]]
    assert label in "".join(cells)
    workers = next(each for each in found if each["check"] == "workers")
    assert (workers["ok"], workers["found"]) == (False, "none delivers, and 20 records wait")
    assert "crisp-connector work" in workers["remedy"]


def test_status_in_a_terminal_goes_on_until_ctrl_c(env: Env, tmp_path: Path) -> None:
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        ours, theirs = pty.openpty()
        wide = {**clean(env), "TERM": "xterm", "COLUMNS": "100", "LINES": "24"}
        command = [*PROGRAM, "status", "--interval", "0.2"]
        with subprocess.Popen(command, env=wide, stdin=theirs, stdout=theirs, stderr=theirs) as shown:
            os.close(theirs)
            text = _read(ours, until_="connection")
            Service(process.url).post("/v1/contacts", json={"email": "ada@example.com"})
            text += _read(ours, until_="1 created")
            shown.send_signal(signal.SIGINT)
            text += _read(ours)
            assert shown.wait(10) == 0
        os.close(ours)
    assert "Traceback" not in text


def _read(terminal: int, until_: str | None = None) -> str:
    """What is written to a terminal, until this is; or to its end, for who writes waits as long as nobody reads."""
    text = ""
    while until_ is None or until_ not in text:
        try:
            text += os.read(terminal, 4096).decode(errors="replace")
        except OSError:  # nobody writes any more
            assert until_ is None, text
            break
    return text


@pytest.fixture
def serve(env: Env, tmp_path: Path) -> Iterator[Running]:
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        yield process


def test_every_line_of_the_log_is_json_and_no_request_is_quoted(serve: Running, crisp: Crisp) -> None:
    host, _, port = serve.url.removeprefix("http://").partition(":")
    for sent in (b"GET /v1/contacts/zebra@example.com NONSENSE/9\r\n\r\n", b"zebra@example.com\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=10) as raw:
            raw.sendall(sent)
            assert b" 400 " in raw.recv(4096)
    named = {"X-Request-Id": "request-4711"}
    answer = Service(serve.url).post("/v1/contacts", json={"email": "ada@example.com"}, headers=named)
    [child] = Path(f"/proc/{serve.process.pid}/task/{serve.process.pid}/children").read_text().split()
    os.kill(int(child), signal.SIGKILL)
    until(lambda: "SIGKILL" in serve.messages(), what="gunicorn's word of the dead worker")
    assert serve.stop() == 0
    lines = [line for line in serve.messages().splitlines() if line.startswith("{")]
    told = [line for line in serve.messages().splitlines() if not line.startswith("{")]
    assert [line.split()[0:2] for line in told] == [["crisp-connector", "listens"]]
    found = [json.loads(line) for line in lines]
    assert all({"event", "level", "timestamp"} <= set(line) for line in found)
    assert "zebra" not in serve.messages()
    gunicorn = [line for line in found if line["event"] == "library"]
    assert {line["logger"] for line in gunicorn} == {"gunicorn.error"}
    assert len(gunicorn) >= 3
    [request] = [line for line in found if line["event"] == "request"]
    assert request["request_id"] == named["X-Request-Id"]
    assert request["connection"] == crisp.running.said["website_id"]
    assert request["outcome"] == answer.json()["outcome_id"]
