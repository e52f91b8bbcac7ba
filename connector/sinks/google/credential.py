"""Google credentials as a user gives them: a service account's key, or a refresh token; and the tokens they give."""

import json
import re
from collections.abc import Mapping
from typing import Any, Protocol, cast

from cryptography.exceptions import UnsupportedAlgorithm
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport import Request, Response
from google.oauth2 import credentials as refreshing
from google.oauth2 import service_account

from connector.hooks.addresses import Refused as Judged
from connector.hooks.addresses import place
from connector.saying import say
from connector.sinks.base import Broken

SCOPE = "https://www.googleapis.com/auth/spreadsheets"
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
# Addresses that Google's own files name (older ones the last two); nobody else's.
GOOGLES_TOKEN_URIS = (
    TOKEN_URI,
    "https://accounts.google.com/o/oauth2/token",
    "https://www.googleapis.com/oauth2/v4/token",
)
_OF_A_REFRESH_TOKEN = ("client_id", "client_secret", "refresh_token")
_BOTH = say(
    "It must be the JSON of a service account's key as Google's console saves it, or an object with client_id, "
    "client_secret and refresh_token."
)
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}")
_TOKEN = re.compile(r"[!-~]{1,4096}")
_LONGEST_LIFE = 7 * 86_400


class Unusable(ValueError):
    """A credential that cannot be used; the text says why, and never quotes it."""


class Posting(Protocol):
    """Posts a form to an address that gives tokens. Returns status and body."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]: ...


def read_credential(credential: str) -> Credentials:
    """The credential as google-auth has it; nothing is asked yet. Raises `Unusable`."""
    try:
        told = json.loads(credential)
    except (ValueError, RecursionError):
        raise Unusable(say("It is no JSON. {remedy}", remedy=_BOTH)) from None
    if not isinstance(told, dict):
        raise Unusable(_BOTH)
    if {"installed", "web"} & set(told):
        raise Unusable(say("This is an OAuth client without a refresh token. {remedy}", remedy=_BOTH))
    _judge(told.setdefault("token_uri", TOKEN_URI))
    return _service_account(told) if "private_key" in told else _refresh_token(told)


def _judge(token_uri: object) -> None:
    try:
        place(token_uri if isinstance(token_uri, str) else "")
    except Judged as refused:
        raise Unusable(say("Its token_uri cannot be used: {reason}.", reason=refused.reason)) from None


def _texts(told: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, str]:
    for name in names:
        if not isinstance(told.get(name), str) or not told[name].strip():
            raise Unusable(say("Its {name} is missing. {remedy}", name=name, remedy=_BOTH))
    return {name: told[name] for name in names}


def _service_account(told: Mapping[str, Any]) -> Credentials:
    """Only what is needed is taken from the file: the rest would change where google-auth asks, and what."""
    texts = _texts(told, ("client_email", "private_key", "token_uri"))
    try:
        made = service_account.Credentials.from_service_account_info(texts, scopes=[SCOPE])  # type: ignore[no-untyped-call]
        made.sign_bytes(b"")  # a key of another kind than RSA is found out here
    except (GoogleAuthError, ValueError, TypeError, AttributeError, UnsupportedAlgorithm):
        raise Unusable(say("Its private_key is no RSA key. Take the file as Google's console saved it.")) from None
    return cast(Credentials, made)


def _refresh_token(told: Mapping[str, Any]) -> Credentials:
    texts = _texts(told, (*_OF_A_REFRESH_TOKEN, "token_uri"))
    return refreshing.Credentials(None, **texts)  # type: ignore[no-untyped-call]


def remedy(credentials: Credentials) -> str:
    """What gives these credentials access to a sheet. A service account's address is the user's own to see."""
    address = getattr(credentials, "service_account_email", None)
    if isinstance(address, str) and _EMAIL.fullmatch(address):
        return say("Share the sheet with {address} as an editor.", address=address)
    if address is not None:
        return say("Share the sheet with the service account's address (client_email) as an editor.")
    return say("Share the sheet with the Google account that the refresh token is of, as an editor.")


def bearer(credentials: Credentials, posting: Posting) -> str:
    """A token that is good for a while; asked for only when the last one is not.

    Raises `Broken` when there is none for these credentials, and what `posting` raises.
    """
    if not credentials.valid:
        try:
            credentials.refresh(_Exchange(posting))  # type: ignore[no-untyped-call]
        except GoogleAuthError:  # its text quotes what came back
            raise Broken(
                say(
                    "Google does not take this credential any more. Make a new key in Google's console and change the "
                    "sink's credential."
                )
            ) from None
    return str(credentials.token)


class _Answered(Response):
    """What google-auth reads of an answer."""

    def __init__(self, status: int, body: bytes) -> None:
        self._status, self._body = status, body

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._status

    @property
    def headers(self) -> Mapping[str, str]:
        """google-auth reads none."""
        return {}

    @property
    def data(self) -> bytes:
        """The body."""
        return self._body


class _Exchange(Request):
    """google-auth's way to ask for a token. It would sleep and ask again by itself: `posting` raises instead."""

    def __init__(self, posting: Posting) -> None:
        self._posting = posting

    def __call__(
        self,
        url: str,
        method: str = "GET",  # noqa: ARG002 - a token is only ever posted for
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - `posting` has its own
        **_: Any,
    ) -> _Answered:
        status, answer = self._posting(url, body or b"", headers or {})
        if status != 200:  # google-auth fails on a body of another shape, and of some bodies waits and asks again
            return _Answered(status, b"{}")
        if not _is_token(answer):
            raise Broken(say("What the credential's token_uri answers is no token. Correct the sink's credential."))
        return _Answered(status, answer)


def _is_token(answer: bytes) -> bool:
    """Whether google-auth can read it; the address may be anybody's."""
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError):
        return False
    if not isinstance(told, dict) or not _TOKEN.fullmatch(str(told.get("access_token", ""))):
        return False
    life = told.get("expires_in", 0)
    return isinstance(told["access_token"], str) and type(life) is int and 0 <= life <= _LONGEST_LIFE
