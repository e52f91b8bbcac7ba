"""What the Zapier app itself costs: an action in Zapier's core beside the same request without it."""

import json

import pytest

from tests.platforms.zapier import App
from tests.process.running import Service

_TIMES = 20


@pytest.mark.alone
def test_an_action_costs_little_more_than_its_request(
    zapier: App, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    contact = {"email": "ada@example.com", "first_name": "Ada"}
    headers = {"Authorization": f"Bearer {service.key}", "Content-Type": "application/json"}
    bare = {"url": f"{service.url}/v1/contacts", "method": "POST", "headers": headers, "body": json.dumps(contact)}
    bundle = {"authData": zapier.auth, "inputData": contact}
    took = zapier.asked(
        {"timed": _TIMES, "method": "creates.upsert_contact.operation.perform", "bundle": bundle, "bare": bare}
    )
    with capsys.disabled():
        print(f"\nZapier: {took['app']:.1f} ms an action, {took['bare']:.1f} ms a bare request")
    assert zapier.find("ada@example.com")[0]["nickname"] == "Ada"
