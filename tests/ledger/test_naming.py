"""Naming: a person is found in a text by whole names, in whatever way they are written, and by none that is a word."""

import json

import pytest

from connector.ledger.naming import findable, says

ADA, PEOPLE_ID = "ada@example.com", "c3a1f2d4-7e59-4b0a-9d16-5f8e2b7a4c03"


@pytest.mark.parametrize(
    "body",
    [
        f'{{"email": "{ADA.upper()}"}}'.encode(),
        f"email,name\r\n{ADA},Ada".encode("utf-16"),
        json.dumps({"note": f"first\n{ADA}"}).encode(),
        b"email=ada%40example.com&x=1",
        f'{{"id": "{PEOPLE_ID}"}}'.encode(),
    ],
)
def test_a_name_is_found_however_it_is_written(body: bytes) -> None:
    assert says(body, [ADA, PEOPLE_ID])


@pytest.mark.parametrize("body", [b"canada@example.com", b"ada@example.com.au", b'{"e": "e"}', b""])
def test_what_only_looks_like_it_is_none(body: bytes) -> None:
    assert not says(body, [ADA, "e", "email"])


def test_a_short_id_is_a_word_of_any_text() -> None:
    assert findable(["e", "email", ADA, PEOPLE_ID]) == [ADA, PEOPLE_ID]
    assert not says(b'{"e": "e"}', ["e"])
