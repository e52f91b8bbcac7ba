"""`subscriptions`: made, listed, tried out, given a new secret and ended from the command line."""

from collections.abc import Iterator

import pytest
from standardwebhooks.webhooks import Webhook

from tests.hooks.receiving import Receiver, receiving
from tests.process.commands import Env, refused, result
from tests.process.running import run

MISSING = "019f1c2ab3c4000001d5e6f708192a3b"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def test_a_subscription_from_its_first_day_to_its_last(env: Env, receiver: Receiver) -> None:
    env = {**env, "CONNECTOR_EGRESS_ALLOW": "127.0.0.1"}
    url = f"{receiver.url}/hook"
    command = ("subscriptions", "add", "contact_updated", url, "--changed", "data.plan", "--segment", "vip")
    made = result(*command, env=env)
    assert (made["filter"], made["include_own"]) == ({"changed": ["data.plan"], "segment": ["vip"]}, False)
    assert result(*command, env=env) == made

    assert result("subscriptions", "test", made["id"], env=env)["delivered"] is True
    [sent] = receiver.told
    assert Webhook(made["secret"]).verify(sent.body, dict(sent.headers))["event"] == "contact_updated"

    rotated = result("subscriptions", "rotate", made["id"], env=env)
    assert rotated["secret"] != made["secret"]
    [listed] = result("subscriptions", "list", env=env)
    assert {**listed, "secret": rotated["secret"]} == rotated

    receiver.answer("/hook", 500)
    assert result("subscriptions", "test", made["id"], env=env, code=1)["status"] == 500
    assert "it answered 500" in refused("subscriptions", "test", made["id"], env=env)

    shown = run("subscriptions", "list", env=env).stdout
    assert made["id"] in shown
    assert result("subscriptions", "remove", made["id"], env=env) == {"deleted": True, "id": made["id"]}
    assert "There is no subscription" in refused("subscriptions", "remove", made["id"], env=env)
    assert result("subscriptions", "list", env=env) == []


def test_what_makes_no_sense_is_told(env: Env) -> None:
    add = ("subscriptions", "add", "contact_created")
    assert "private or reserved network" in refused(*add, "https://10.0.0.1/hook", env=env)
    assert "GET /v1/fields?choices=changed" in refused(*add, "https://93.184.215.14/hook", "--changed", "cty", env=env)
    assert "There is no subscription" in refused("subscriptions", "test", MISSING, env=env)
    wrong = run("subscriptions", "add", "contact_made", "https://93.184.215.14/hook", env=env)
    assert wrong.returncode == 2
