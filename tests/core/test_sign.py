"""Signatures of hooks: ours and the reference library's are the same, both ways; and what is not signed is told so."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from connector.hooks import sign
from connector.hooks.sign import Unsigned

# The vector of the standard's own libraries.
VECTOR_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR_ID, VECTOR_AT, VECTOR_BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
VECTOR_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

SECRET, OLD = sign.secret_of(bytes(range(32))), sign.secret_of(b"o" * 32)
BODY = '{"event":"contact_created","contact":{"nickname":"Ada Łovelace 🙂"}}'.encode()
NOW = 1_764_331_200


def signed(*secrets: str, at: int = NOW, body: bytes = BODY) -> dict[str, str]:
    return sign.headers(secrets or (SECRET,), "019f1c2ab3c4", at, body)


def test_a_secret_is_as_the_standard_writes_it() -> None:
    assert SECRET.startswith("whsec_")
    assert base64.b64decode(SECRET.removeprefix("whsec_")) == bytes(range(32))


def test_the_vector_of_the_standard_is_ours() -> None:
    made = sign.headers([VECTOR_SECRET], VECTOR_ID, VECTOR_AT, VECTOR_BODY)
    assert made[sign.SIGNATURE] == VECTOR_SIGNATURE
    sign.verify(VECTOR_SECRET, made, VECTOR_BODY, VECTOR_AT)


def test_the_reference_library_accepts_ours() -> None:
    now = int(datetime.now(UTC).timestamp())
    assert Webhook(SECRET).verify(BODY, signed(at=now)) == json.loads(BODY)


def test_the_reference_library_accepts_either_secret_while_one_takes_the_others_place() -> None:
    now = int(datetime.now(UTC).timestamp())
    both = signed(SECRET, OLD, at=now)
    assert len(both[sign.SIGNATURE].split(" ")) == 2
    for secret in (SECRET, OLD):
        Webhook(secret).verify(BODY, both)
    with pytest.raises(WebhookVerificationError):
        Webhook(sign.secret_of(b"x" * 32)).verify(BODY, both)


@given(st.binary(min_size=24, max_size=64), st.text(st.characters(codec="utf-8")), st.integers(0, 4_000_000_000))
def test_ours_accepts_what_the_reference_library_signs(random: bytes, said: str, at: int) -> None:
    secret = sign.secret_of(random)
    signature = Webhook(secret).sign("msg_1", datetime.fromtimestamp(at, UTC), said)
    headers = {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(at), "Webhook-Signature": signature}
    sign.verify(secret, headers, said.encode(), at)
    assert sign.headers([secret], "msg_1", at, said.encode())[sign.SIGNATURE] == signature


@pytest.mark.parametrize("off", [-300, 0, 300])
def test_a_time_within_the_tolerance_is_taken(off: int) -> None:
    sign.verify(SECRET, signed(), BODY, NOW + off)


@pytest.mark.parametrize("off", [-301, 301])
def test_a_time_beyond_it_is_not(off: int) -> None:
    with pytest.raises(Unsigned):
        sign.verify(SECRET, signed(), BODY, NOW + off)


def test_another_version_beside_ours_does_no_harm() -> None:
    headers = signed()
    headers[sign.SIGNATURE] = f"v1a,AAAA {headers[sign.SIGNATURE]} nonsense"
    sign.verify(SECRET, headers, BODY, NOW)


def test_every_flipped_bit_of_the_body_is_seen() -> None:
    headers = signed()
    for place in range(len(BODY) * 8):
        body = bytearray(BODY)
        body[place // 8] ^= 1 << place % 8
        with pytest.raises(Unsigned):
            sign.verify(SECRET, headers, bytes(body), NOW)


@pytest.mark.parametrize("name", [sign.ID, sign.TIMESTAMP, sign.SIGNATURE])
@pytest.mark.parametrize(
    "value", [None, "", " ", "v1,", ",", "v1", "é", "\ud800", "-1", "1e9", "٣", "9" * 5_000, "v1,é", "NaN"]
)
def test_a_header_that_is_missing_or_strange_is_told_in_one_way(name: str, value: str | None) -> None:
    headers = signed()
    del headers[name]
    if value is not None:
        headers[name] = value
    with pytest.raises(Unsigned) as told:
        sign.verify(SECRET, headers, BODY, NOW)
    assert str(told.value) == ""


def test_another_secret_is_not_taken() -> None:
    with pytest.raises(Unsigned):
        sign.verify(OLD, signed(), BODY, NOW)
