"""Crisp's events: who signed them, and what they are."""

import json
from typing import Any

import pytest

from connector.crisp.events import TOLERANCE, Forged, Unreadable, read, sign, verify

NOW = 1_795_000_000_000
SECRET, OLD = "the newest secret", "the old secret"
BODY = json.dumps({"website_id": "W", "event": "people:profile:created", "data": {"people_id": "P"}}).encode()


def test_a_signature_of_the_bytes_is_good() -> None:
    signature = sign(BODY, str(NOW), SECRET)
    assert verify(BODY, str(NOW), signature, [SECRET], NOW) == signature


@pytest.mark.parametrize("key", [SECRET, OLD])
def test_the_old_secret_is_good_beside_the_new_one(key: str) -> None:
    assert verify(BODY, str(NOW), sign(BODY, str(NOW), key), [SECRET, OLD], NOW)


def test_the_body_written_anew_is_what_crisps_client_signs() -> None:
    """`JSON.stringify` of the parsed body has no spaces, whatever the bytes had."""
    compact = json.dumps(json.loads(BODY), separators=(",", ":")).encode()
    assert compact != BODY
    assert verify(BODY, str(NOW), sign(compact, str(NOW), SECRET), [SECRET], NOW)


def test_every_flipped_bit_of_the_signature_is_refused() -> None:
    good = bytes.fromhex(sign(BODY, str(NOW), SECRET))
    for bit in range(len(good) * 8):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Forged):
            verify(BODY, str(NOW), flipped.hex(), [SECRET], NOW)


def test_every_flipped_bit_of_the_body_is_refused() -> None:
    signature = sign(BODY, str(NOW), SECRET)
    for bit in range(len(BODY) * 8):
        flipped = bytearray(BODY)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Forged):
            verify(bytes(flipped), str(NOW), signature, [SECRET], NOW)


@pytest.mark.parametrize("off", [-TOLERANCE - 1, TOLERANCE + 1, -(10**12), 10**14])
def test_a_moment_that_is_not_now_is_refused(off: int) -> None:
    moment = str(NOW + off)
    with pytest.raises(Forged):
        verify(BODY, moment, sign(BODY, moment, SECRET), [SECRET], NOW)


@pytest.mark.parametrize("off", [-TOLERANCE, TOLERANCE])
def test_clocks_may_differ_by_the_tolerance(off: int) -> None:
    moment = str(NOW + off)
    assert verify(BODY, moment, sign(BODY, moment, SECRET), [SECRET], NOW)


GOOD = sign(BODY, str(NOW), SECRET)
BAD: list[tuple[str | None, str | None]] = [
    (None, GOOD),
    (str(NOW), None),
    ("", GOOD),
    (str(NOW), ""),
    (str(NOW), f"{GOOD},{GOOD}"),
    (str(NOW), GOOD[:-1]),
    (str(NOW), GOOD + "0"),
    (str(NOW), "é" * 64),
    (str(NOW), "g" * 64),
    (f"{NOW},{NOW}", GOOD),
    (f" {NOW}", GOOD),
    (f"{NOW}.0", GOOD),
    ("١٧٩٥", GOOD),
    ("9" * 400, GOOD),
    (str(NOW), "0" * 64),
]


@pytest.mark.parametrize(("timestamp", "signature"), BAD)
def test_odd_headers_are_refused(timestamp: str | None, signature: str | None) -> None:
    with pytest.raises(Forged):
        verify(BODY, timestamp, signature, [SECRET], NOW)


def test_without_a_secret_nothing_is_good() -> None:
    with pytest.raises(Forged):
        verify(BODY, str(NOW), sign(BODY, str(NOW), ""), [], NOW)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"event": "x", "website_id": "W"},
        {"event": "x", "data": {}},
        {"event": 7, "website_id": "W", "data": {}},
        {"event": "", "website_id": "W", "data": {}},
        {"event": "x" * 65, "website_id": "W", "data": {}},
        {"event": "a\nb", "website_id": "W", "data": {}},
        {"event": "x", "website_id": "W", "data": []},
    ],
)
def test_what_is_no_event_is_told(value: Any) -> None:
    with pytest.raises(Unreadable):
        read(value)


@pytest.mark.parametrize("moment", ["1", None, True, float("inf"), -1, 10**16, {}])
def test_an_odd_time_is_none(moment: Any) -> None:
    assert read({"event": "x", "website_id": "W", "data": {}, "timestamp": moment}).at is None


def test_the_same_event_has_the_same_digest_however_it_is_written() -> None:
    first = read({"event": "x", "website_id": "W", "data": {"a": 1, "b": "é"}, "timestamp": NOW})
    again = read({"timestamp": NOW, "data": {"b": "é", "a": 1}, "website_id": "W", "event": "x"})
    later = read({"event": "x", "website_id": "W", "data": {"a": 1, "b": "é"}, "timestamp": NOW + 1})
    assert first.digest == again.digest != later.digest
