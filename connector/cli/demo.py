"""`demo`: a local Crisp, the service, and every sample through it; then it stays up to be tried."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any

import click
import requests
from rich.table import Table

from connector.cli import demo_news
from connector.cli.common import Failed, as_json, explained, messages, print_json, results
from connector.cli.demo_subscriber import Listeners, listening
from connector.crisp.calls import STATUSES, TOTALS
from connector.manifest import shipped
from connector.samples import Sample, of_source

_PATIENCE = 60.0
_PROGRAM = (sys.executable, "-m", "connector")


@dataclass
class Line:
    """Totals of one source, and the imports in which records were rejected."""

    source: str
    totals: dict[str, int] = field(default_factory=dict)
    rejecting: list[str] = field(default_factory=list)

    def add(self, import_id: str | None, totals: dict[str, int]) -> None:
        """One more import of this source; None where nothing was in it."""
        if import_id and totals["rejected"]:
            self.rejecting.append(import_id)
        for key, value in totals.items():
            self.totals[key] = self.totals.get(key, 0) + value

    @property
    def adds_up(self) -> bool:
        """Whether every record that went in has its outcome, and none waits."""
        done = sum(self.totals[name] for name in STATUSES)
        return self.totals["records"] == done and not self.totals["waiting"]


@click.command()
@click.option("--once", is_flag=True, help="End when done: 0 when every total adds up and all news came, else 1.")
@as_json
@explained
def demo(once: bool, json_: bool) -> None:
    """Try everything on this machine, without an account: a local Crisp, the service, samples of every source.

    Then somebody does something in that Crisp, and a subscriber and a sheet are told.

    \b
    Example:
      crisp-connector demo --once
    """
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="crisp-connector-demo-"))
        listeners = stack.enter_context(listening())
        sandbox, service, env = _start(stack, folder, listeners)
        probed = _probe(env)
        first, second = _send_all(service)
        reasons = _reasons(service, first)
        stats = requests.get(f"{sandbox['url']}/_sandbox/stats", timeout=10).json()
        news = demo_news.tell(service, sandbox, listeners, env["CRISP_HOOK_SECRET"])
        problems = [*_problems(first, second, probed, stats), *news.problems()]
        _show(first, second, probed, reasons, news, problems, json_=json_)
        if once:
            raise SystemExit(1 if problems else 0)
        _invite(service, sandbox, listeners, _link(service, env))


def _start(
    stack: ExitStack, folder: str, listeners: Listeners
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """The two servers on free ports: their addresses, the API key of the service, and its environment."""
    sandbox = stack.enter_context(_running("sandbox", "--port", "0", env={}))
    key = "ck_" + secrets.token_urlsafe(24)
    env = {
        "CONNECTOR_DATA_DIR": folder,
        "CONNECTOR_API_KEY": key,
        "CRISP_API_URL": f"{sandbox['url']}/v1",
        "CRISP_WEBSITE_ID": sandbox["website_id"],
        "CRISP_IDENTIFIER": sandbox["identifier"],
        "CRISP_KEY": sandbox["key"],
        "CRISP_TIER": sandbox["tier"],
        "CRISP_HOOK_SECRET": secrets.token_hex(16),
        "CONNECTOR_EVENT_WINDOW": "0",
        "CONNECTOR_LOG_LEVEL": "warning",
        **listeners.settings,
    }
    service = stack.enter_context(_running("serve", "--port", "0", "--json", env=env))
    return sandbox, {**service, "key": key}, env


@contextmanager
def _running(*command: str, env: dict[str, str]) -> Iterator[dict[str, str]]:
    """A command of ours in a process of its own; what it says in its first line."""
    started, quiet = [*_PROGRAM, *command], subprocess.DEVNULL
    with subprocess.Popen(started, env=_clean(env), stdout=subprocess.PIPE, stderr=quiet, text=True) as process:  # noqa: S603
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise Failed(f"crisp-connector {command[0]} did not start. Run it by itself to see why.")
            yield json.loads(line)
        finally:
            process.terminate()


def _clean(env: dict[str, str]) -> dict[str, str]:
    """The environment with these variables and without any other of ours."""
    ours = ("CONNECTOR_", "CRISP_", "SANDBOX_")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(ours)}, **env}


def _probe(env: dict[str, str]) -> int:
    """Finds out how this Crisp behaves, as anyone would; how many calls that took."""
    asked = [*_PROGRAM, "doctor", "--probe", "--yes", "--json"]
    ended = subprocess.run(asked, env=_clean(env), capture_output=True, text=True, check=False)  # noqa: S603
    if ended.returncode:
        raise Failed(f"The local Crisp could not be probed. {ended.stderr}")
    calls: int = json.loads(ended.stdout)["calls"]
    return calls


def _send_all(service: dict[str, str]) -> tuple[list[Line], list[Line]]:
    """Every sample of every source, one import each; and each again, at once: another sample may tell something else of
    the same person, and of the same time."""
    pairs = [(Line(source), Line(source)) for source in shipped().sources]
    for first, second in pairs:
        for sample in of_source(first.source):
            first.add(*_send(service, sample))
            second.add(*_send(service, sample))
    return [first for first, _ in pairs if first.totals], [second for _, second in pairs if second.totals]


def _send(service: dict[str, str], sample: Sample) -> tuple[str | None, dict[str, int]]:
    key = {"Authorization": f"Bearer {service['key']}"}
    headers = {**sample.headers, **key, "Content-Type": sample.content_type}
    url, options = f"{service['url']}/v1/contacts/batch", dict(sample.options)
    sent = requests.post(url, params=options, data=sample.body, headers=headers, timeout=30)
    if sent.status_code not in (200, 202):
        raise Failed(f"A sample was refused: {sent.text}")
    import_id = sent.json().get("import_id")
    nothing: dict[str, int] = {"records": 0, "calls": 0, **dict.fromkeys(STATUSES, 0)}
    return import_id, _finished(service, import_id, key) if import_id else nothing


def _finished(service: dict[str, str], import_id: str, headers: dict[str, str]) -> dict[str, int]:
    until = time.monotonic() + _PATIENCE
    while True:
        shown = requests.get(f"{service['url']}/v1/imports/{import_id}", headers=headers, timeout=30).json()
        totals: dict[str, int] = shown["totals"]
        if not totals["waiting"] or time.monotonic() > until:
            return totals
        time.sleep(0.02)


def _reasons(service: dict[str, str], lines: list[Line]) -> dict[str, int]:
    """Why samples were rejected, as they are meant to be: code → how many."""
    headers, reasons = {"Authorization": f"Bearer {service['key']}"}, Counter[str]()
    for import_id in (each for line in lines for each in line.rejecting):
        url = f"{service['url']}/v1/imports/{import_id}/records?outcome=rejected&limit=500"
        reasons.update(row["code"] for row in requests.get(url, headers=headers, timeout=30).json())
    return reasons


def _problems(first: list[Line], second: list[Line], probed: int, stats: dict[str, Any]) -> Iterator[str]:
    """What does not add up, in words."""
    for line in (*first, *second):
        if not line.adds_up:
            yield f"{line.source}: {line.totals['records']} records in, but outcomes do not add up to that."
    created = sum(line.totals["created"] for line in first)
    if created != stats["people"]:
        yield f"{created} were reported as created, but Crisp has {stats['people']}."
    calls = probed + sum(line.totals["calls"] for line in (*first, *second))
    if calls != stats["calls"]["total"]:
        yield f"{calls} calls were reported, but Crisp counted {stats['calls']['total']}."
    if again := sum(line.totals["calls"] for line in second):
        yield f"The same records again cost {again} calls instead of none."


def _show(
    first: list[Line],
    second: list[Line],
    probed: int,
    reasons: dict[str, int],
    news: demo_news.News,
    problems: list[str],
    *,
    json_: bool,
) -> None:
    if json_:
        rows = [{line.source: line.totals for line in lines} for lines in (first, second)]
        shown = {"first": rows[0], "again": rows[1], "rejected_for": reasons, "problems": problems}
        print_json({"probe": {"calls": probed}, **shown, "news": news.as_json()})
        return
    results.print(f"Probed how this Crisp behaves, with {probed} calls and one contact that is removed again.\n")
    results.print(_table("Samples of every source", first))
    told = ", ".join(f"{code} {count}" for code, count in sorted(reasons.items()))
    results.print(f"Rejected, as these samples are meant to be: {told}.\n")
    results.print(_table("The same again", second))
    news.show()
    for problem in problems:
        messages.print(problem, style="bold red")


def _table(title: str, lines: list[Line]) -> Table:
    table = Table(title=title, title_justify="left", show_footer=True)
    table.add_column("source", footer="all")
    for name in TOTALS:
        table.add_column(name, justify="right", footer=str(sum(line.totals[name] for line in lines)))
    for line in lines:
        table.add_row(line.source, *(str(line.totals[name]) for name in TOTALS))
    return table


def _link(service: dict[str, str], env: dict[str, str]) -> str:
    """The address of the pages, which signs in once."""
    asked = [*_PROGRAM, "sign-in", "--url", service["url"], "--json"]
    ended = subprocess.run(asked, env=_clean(env), capture_output=True, text=True, check=False)  # noqa: S603
    if ended.returncode:
        raise Failed(f"There is no link to sign in with. {ended.stderr}")
    link: str = json.loads(ended.stdout)["url"]
    return link


def _invite(service: dict[str, str], sandbox: dict[str, str], listeners: Listeners, link: str) -> None:
    """The pages, the key and a request that works when pasted."""
    body = json.dumps({"email": "ada@example.com", "first_name": "Ada", "segments": ["vip"], "data": {"plan": "pro"}})
    results.print(
        f"\nPages:    {link}  (signs in once)\nAPI key:  {service['key']}\nContacts: {sandbox['url']}/_sandbox/people\n"
        f"Sheet:    {listeners.cells_url}\n"
    )
    click.echo(
        f"curl -X POST {service['url']}/v1/contacts \\\n"
        f"  -H 'Authorization: Bearer {service['key']}' -H 'Content-Type: application/json' \\\n"
        f"  -d '{body}'\n"
    )
    messages.print("It stays up until Ctrl-C.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        messages.print("Stopped.")
