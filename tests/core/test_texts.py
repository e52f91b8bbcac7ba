"""The texts of the pages: complete in every language, compiled, and with the same gaps."""

import re

import pytest
from flask import Flask
from flask.ctx import RequestContext

from connector.api.fact_examples import FACTS
from connector.api.failures import problem_of
from connector.errors import CODES
from connector.notes import CODES as NOTES
from connector.notes import note
from connector.saying import Count, Moment, listening, say
from connector.web.words import LANGUAGES, prepare, sentence
from connector.web.words import language as spoken
from tests import texts

GAPS = re.compile(r"%\(\w+\)s|\{\w*\}")


def asked_in(language: str) -> RequestContext:
    """A request of somebody who speaks this."""
    app = Flask(__name__)
    prepare(app)
    return app.test_request_context(headers={"Accept-Language": language})


def test_a_language_lasts_as_long_as_its_request() -> None:
    for language in ("fr", "en", "fr"):
        with asked_in(language):
            assert spoken() == language
        assert spoken() == "en"


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_none_is_missing_and_none_is_left_over(language: str) -> None:
    assert texts.missing(language) == [], "make texts, and translate what it names"


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_what_is_read_is_what_was_translated(language: str) -> None:
    compiled = texts.place(language).with_suffix(".mo").read_bytes()
    assert compiled == texts.written(texts.known(language)), "make texts"


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_gaps_are_the_same(language: str) -> None:
    for message in texts.known(language):
        ids = message.id if isinstance(message.id, tuple | list) else [message.id]
        told = message.string if isinstance(message.string, tuple | list) else [message.string]
        for each in told if message.id else ():
            assert sorted(GAPS.findall(each or "")) == sorted(GAPS.findall(ids[-1])), message.id


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_no_line_begins_with_a_sign(language: str) -> None:
    """French has a space before some signs: one at which no line is broken."""
    for message in texts.known(language):
        told = message.string if isinstance(message.string, tuple | list) else [message.string]
        broken = [each for each in told if message.id and re.search(r" [:;?!»](?:\s|$)|« ", each or "")]
        assert broken == [], message.id


SAID = [(code, problem_of(code).message) for code in CODES if "/" not in code and code in FACTS]
NOTED = [(code, note(code, "phone", path="Mobile").message) for code in NOTES]


@pytest.mark.parametrize(("code", "message"), [*SAID, *NOTED])
def test_what_the_api_says_is_said_in_french_with_the_same_facts(code: str, message: str) -> None:
    with asked_in("fr"):
        told = sentence(message)
    assert told != message, message
    assert "{" not in told


def test_what_is_not_known_stays_as_it_is() -> None:
    with asked_in("fr"):
        assert [sentence(each) for each in ("", "Something else.", "%(a)s {b}")] == ["", "Something else.", "%(a)s {b}"]


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("it answered 500", "elle a répondu 500"),
        ("it is not a valid address", "ce n’est pas une adresse valide"),
        (
            "The credential may not edit this sheet. Share the sheet with a@b.fr as an editor.",
            "L’identifiant ne permet pas de modifier cette feuille. Partagez la feuille avec a@b.fr comme éditeur.",
        ),
        (
            "The credential's token_uri must not be contacted: it has no host.",
            "Le token_uri de l’identifiant ne doit pas être contacté\u00a0: elle n’a pas d’hôte.",
        ),
    ],
)
def test_a_reason_that_the_ledger_kept_is_told_in_french(reason: str, told: str) -> None:
    with asked_in("fr"):
        assert sentence(str(reason)) == told


FACTS_ = {"used": 1234, "limit": Count(10_000), "until": Moment("2026-05-31T09:30:00Z")}


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "1234 of 10,000 calls used, reset at 2026-05-31T09:30:00Z"),
        ("fr", "1\u202f234 appels utilisés sur 10\u202f000, remise à zéro le 31/05/2026 à 09:30 UTC"),
    ],
)
def test_numbers_and_times_are_written_as_they_are_there(language: str, told: str) -> None:
    with asked_in(language):
        assert sentence(say("{used} of {limit} calls used, reset at {until}", **FACTS_)) == told


def test_who_listens_hears_what_is_said_meanwhile_and_nothing_else() -> None:
    say("before {count}", count=1)
    with listening() as heard:
        say("{who} and {whom}", who="Ada", whom="Bo")
        note("phone_dropped", "phone", path="Mobile")
    assert [each.template for each in heard.values()] == ["{who} and {whom}", NOTES["phone_dropped"][1]]
