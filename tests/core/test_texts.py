"""The texts of the pages: complete in every language, compiled, and with the same gaps."""

import re

import pytest
from flask import Flask

from connector.api.fact_examples import FACTS
from connector.api.failures import problem_of
from connector.errors import CODES
from connector.notes import CODES as NOTES
from connector.notes import note
from connector.web.words import LANGUAGES, sentence
from tests import texts

GAPS = re.compile(r"%\(\w+\)s|\{\w*\}")


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


SAID = [(code, problem_of(code).message) for code in CODES if "/" not in code and code in FACTS]
NOTED = [(code, note(code, "phone", path="Mobile").message) for code in NOTES]


@pytest.mark.parametrize(("code", "message"), [*SAID, *NOTED])
def test_what_the_api_says_is_said_in_french_with_the_same_facts(code: str, message: str) -> None:
    with Flask(__name__).test_request_context(headers={"Accept-Language": "fr"}):
        told = sentence(message)
    assert told != message, message
    assert "{" not in told


def test_what_is_not_known_stays_as_it_is() -> None:
    with Flask(__name__).test_request_context(headers={"Accept-Language": "fr"}):
        assert [sentence(each) for each in ("", "Something else.", "%(a)s {b}")] == ["", "Something else.", "%(a)s {b}"]
