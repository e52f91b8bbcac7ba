"""The page Try: each source's samples are seen as `/v1/preview` sees them, mapped, sent, and never run."""

import json
import re
from html import unescape
from typing import Any

import pytest

from connector.manifest import shipped
from connector.samples import of_source
from tests.app.browsing import Browser, signed_in
from tests.app.stack import Stack

SAMPLES = [(source, each.name) for source in shipped().sources for each in of_source(source)]
ADA = '{"Courriel pro": "ada@example.com", "Who": "Ada Lovelace", "Plan": "pro"}'


@pytest.fixture
def admin(stack: Stack) -> Browser:
    """Signed in."""
    return signed_in(stack)


def pasted(page: str) -> dict[str, Any]:
    """What stands in the form."""
    payload = re.search(r'<textarea id="payload"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    zone = re.search(r'name="timezone" value="([^"]*)"', page)
    country = re.search(r'name="country" value="([^"]*)"', page)
    source = re.search(r'<select id="try-source".*?</select>', page, re.DOTALL)
    assert payload
    assert zone
    assert country
    assert source
    chosen = re.search(r'value="(\w*)" selected', source[0])
    told = {"timezone": zone[1], "country": country[1], "source": chosen[1] if chosen else ""}
    return {"payload": unescape(payload[1]), **told}


def test_every_sample_of_every_source_is_recognised(admin: Browser, stack: Stack) -> None:
    token = admin.token()
    for source, name in SAMPLES:
        form = pasted(admin.text(f"/try?sample={source}/{name}"))
        answer = admin.post("/try", token, **form)
        page = unescape(answer.get_data(as_text=True))
        assert answer.status_code == 200, (source, name)
        assert 'role="alert"' not in page, (source, name, page)
        assert f"Recognised as {shipped().sources[source].label}" in page or "no contact in it" in page, (source, name)
    assert stack.crisp.calls == 0


def test_a_name_is_mapped_by_choosing_and_kept(admin: Browser, stack: Stack) -> None:
    chosen = {"path": ["Courriel pro", "Who", "Plan"], "to": ["email", "full_name", "data.plan"]}
    page = unescape(admin.post("/try", payload=ADA, **chosen).get_data(as_text=True))
    assert "would be created" in page
    assert '"mapping": {"email": ["Courriel pro"]' in page, "the cURL sends the same"
    assert admin.post("/try/mapping", payload=ADA, name="crm", **chosen).status_code == 200
    expected = {"email": ["Courriel pro"], "full_name": ["Who"], "data.plan": ["Plan"]}
    assert stack.client().get("/v1/mappings/crm").get_json()["mapping"] == expected
    assert admin.post("/try/mapping", payload=ADA, name="a/b", **chosen).status_code == 422


def test_a_name_is_left_out_by_choosing(admin: Browser, stack: Stack) -> None:
    payload = '{"email": "ada@example.com", "city": "Nantes"}'
    chosen = {"path": ["email", "city"], "to": ["", "ignored"]}
    page = unescape(admin.post("/try", payload=payload, **chosen).get_data(as_text=True))
    assert '"mapping": {"ignored": ["city"]' in page, "the cURL sends the same"
    assert '<option value="ignored" selected>' in page
    admin.post("/try/send", payload=payload, **chosen)
    assert "city" not in json.dumps(stack.crisp.people()["ada@example.com"])


def test_nothing_is_offered_to_be_mapped_where_a_mapping_cannot_be_sent(admin: Browser) -> None:
    page = admin.post("/try", payload="email=ada@example.com&city=Nantes").get_data(as_text=True)
    assert "would be created" in page
    assert 'name="to"' not in page


def test_it_is_sent_for_real(admin: Browser, stack: Stack) -> None:
    page = admin.post("/try/send", payload='{"email": "ada@example.com", "first_name": "Ada"}').get_data(as_text=True)
    assert "It is in Crisp now." in page
    assert "is known already" in page, "and looked at again"
    assert stack.crisp.people().keys() == {"ada@example.com"}


def test_many_are_sent_as_an_import(admin: Browser, stack: Stack) -> None:
    people = json.dumps([{"email": f"{name}@example.com"} for name in ("ada", "bo")])
    assert "All 2 records are accepted" in admin.post("/try/send", payload=people).get_data(as_text=True)
    assert stack.client().get("/v1/imports").get_json()[0]["totals"]["records"] == 2


def test_who_may_only_read_looks_and_sends_nothing(stack: Stack) -> None:
    browser = Browser(stack.app)
    browser.sign_in(stack.key("read"))
    assert "Send it for real" not in browser.post("/try", payload='{"email": "a@example.com"}').get_data(as_text=True)
    assert browser.post("/try/send", payload='{"email": "a@example.com"}').status_code == 403
    assert stack.crisp.people() == {}


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ("{", "The body is not valid JSON"),
        ("nonsense", "The body is not valid JSON"),
        ("[1, 2]", "records"),
        ("\ud800", "half of a character"),
        ("{" * 60, "not valid JSON"),
        ("<a", "not well-formed XML"),
        ('{"email": "x"}\n{"email": "y"}', "2 records"),
        ("email=ada%40example.com&name=Ada", "would be created"),
        ('{"mapping": {"colour": "a"}, "record": {"a": 1}}', "is not a contact field"),
    ],
)
def test_what_cannot_be_read_is_told_in_words(admin: Browser, payload: str, told: str) -> None:
    sent = payload.encode("utf-8", "surrogatepass").decode("utf-8", "replace") if "\ud800" in payload else payload
    answer = admin.post("/try", payload=sent)
    assert answer.status_code == 200
    assert (told in unescape(answer.get_data(as_text=True))) == ("\ud800" not in payload)


def test_too_much_is_refused(admin: Browser) -> None:
    answer = admin.post("/try", payload='{"email": "%s"}' % ("a" * 2_100_000))
    assert (answer.status_code, answer.mimetype) == (413, "text/html")


def test_nothing_that_is_pasted_is_run(admin: Browser) -> None:
    nasty = '"><img src=x onerror=alert(1)></textarea><script>alert(2)</script>\u202e\u200b'
    for payload in (json.dumps({nasty: nasty, "email": f"{nasty}@example.com", "data": {nasty: nasty}}), nasty):
        page = admin.post("/try", payload=payload, path=nasty, to=nasty, source="", name=nasty).get_data(as_text=True)
        assert "<img" not in page
        assert "<script>" not in page
    assert "<img" not in admin.get(f"/try?sample={nasty}").get_data(as_text=True)


def mark_of(page: str) -> str:
    """The mark of the form that sends."""
    found = re.search(r'name="once" value="([^"]+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("people", [1, 2])
def test_a_second_click_sends_nothing_twice_and_a_new_page_does(admin: Browser, stack: Stack, people: int) -> None:
    payload = json.dumps([{"email": f"{number}@example.com"} for number in range(people)])
    form = {"payload": payload, "once": mark_of(admin.post("/try", payload=payload).get_data(as_text=True))}
    first, second = (admin.post("/try/send", **form).get_data(as_text=True) for _ in range(2))
    assert "It is in Crisp now." in second or "records are accepted" in second, "it is told as it was"
    assert len(stack.client().get("/v1/outcomes").get_json()) == people
    other = json.dumps([{"email": f"other{number}@example.com"} for number in range(people)])
    assert admin.post("/try/send", **{**form, "payload": other}).status_code == 200, "another payload is another wish"
    admin.post("/try/send", **{**form, "once": mark_of(first)})
    assert len(stack.client().get("/v1/outcomes").get_json()) == 3 * people


@pytest.mark.parametrize("once", ["x" * 100_000, "\u202e\n", "é"])
def test_any_mark_will_do(admin: Browser, stack: Stack, once: str) -> None:
    admin.post("/try/send", payload='{"email": "ada@example.com"}', once=once)
    assert stack.crisp.people().keys() == {"ada@example.com"}
