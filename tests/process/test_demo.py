"""The demo's second half: what somebody does in Crisp is told, and it fails when it is not."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from connector.cli import demo_news
from connector.cli.demo_subscriber import Listeners, listening
from connector.hooks import sign
from tests.process.running import KEY, Crisp, run, running

BODY = b'{"event": "contact_created", "contact": {"email": "ada@example.com"}}'


@pytest.fixture
def listeners() -> Iterator[Listeners]:
    with listening() as found:
        yield found


def test_what_is_done_in_crisp_is_told_and_written_and_nothing_else_is(tmp_path: Path) -> None:
    shown = run("demo", "--once", "--json", env={}, cwd=tmp_path)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    news = json.loads(shown.stdout)["news"]
    told = {(each["event"], each["says"]) for each in news["told"]}
    assert told == {
        ("contact_created", "city: London, nickname: Alice Example"),
        ("contact_updated", "city: Paris"),
        ("conversation_data_changed", "data.plan: pro"),
    }
    assert {each["email"] for each in news["told"]} == {"alice@example.com"}
    assert (news["unsigned"], news["echoes"]) == (0, 0)
    header, row = news["sheet"]
    assert dict(zip(header, row, strict=True)) == {
        "Email": "alice@example.com",
        "Name": "Alice Example",
        "City": "Paris",
        "data.plan": "pro",
    }


def test_it_fails_when_nothing_arrives(
    env: dict[str, str], crisp: Crisp, listeners: Listeners, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_news, "_PATIENCE", 1.0)
    hooked = {**env, **listeners.settings, "CRISP_HOOK_SECRET": "the-secret"}
    with running("serve", "--port", "0", "--json", env=hooked, folder=tmp_path) as service:
        said = {"url": service.url, "key": KEY}
        news = demo_news.tell(said, crisp.running.said, listeners, "another-secret")
        crisp.set(hook_url=None)
    assert list(news.problems()) == ["contact_created did not arrive within 1 s."]


def test_the_subscriber_looks_at_nothing_that_is_not_signed(listeners: Listeners) -> None:
    subscriber = listeners.subscriber
    subscriber.secrets.append(sign.secret_of(b"k" * 32))
    for body, headers in ((BODY, {}), (b"no JSON", {"webhook-signature": "v1,none"})):
        assert requests.post(subscriber.url, data=body, headers=headers, timeout=10).status_code == 401
    assert (subscriber.told, subscriber.unsigned) == ([], 2)
    news = demo_news.News(subscriber.told, subscriber.unsigned, [])
    assert list(news.problems()) == ["2 deliveries came without the signature of a subscription."]


def test_an_echo_is_a_problem() -> None:
    ours = {"event": "contact_created", "contact": {"email": "written.by.us@example.com"}, "changed": []}
    [problem] = demo_news.News([ours], 0, []).problems()
    assert "what the connector wrote itself" in problem
