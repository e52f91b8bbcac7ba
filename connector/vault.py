"""Secrets at rest: credentials are encrypted with a key that is not in the database."""

import base64
import hmac
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

import structlog
from cryptography.fernet import Fernet, InvalidToken

from connector.saying import say
from connector.settings import Settings, SettingsProblem

log = structlog.get_logger()

_FILE = "secret.key"


class KeyUnusable(SettingsProblem):
    """What was given as a key is none."""


class _Key(Fernet):
    """A key, and what is made of it for other purposes than sealing."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self._bytes = base64.urlsafe_b64decode(key)

    def derived(self, purpose: str) -> bytes:
        """A key for this purpose, which tells nothing of this one."""
        return hmac.digest(self._bytes, purpose.encode(), "sha256")


class Vault:
    """Seals and opens. With several keys the first seals and any opens, so that keys can be rotated."""

    def __init__(self, keys: list[str]) -> None:
        """Raises `KeyUnusable`, also for none."""
        self._fernets, self._told = _fernets(keys), set[bytes]()

    def seal(self, secret: str) -> bytes:
        """The secret, encrypted."""
        return self._keys()[0].encrypt(secret.encode())

    def renewed(self, sealed: bytes) -> bytes | None:
        """The same secret under the newest key; None when that has sealed it already. Raises as `open` does."""
        secret = self.open(sealed)
        try:
            self._keys()[0].decrypt(sealed)
        except InvalidToken:
            return self.seal(secret)
        return None

    def open(self, sealed: bytes) -> str:
        """The secret again. Raises `SettingsProblem` when none of the keys sealed it."""
        for key in self._keys():
            with suppress(InvalidToken):
                return key.decrypt(sealed).decode()
        raise SettingsProblem(
            say(
                "The stored Crisp credential cannot be opened: the secret key is not the one that sealed it. "
                "Give back the old CONNECTOR_SECRET_KEY (or the file secret.key), or the credential again: "
                "crisp-connector connect add"
            )
        )

    def opens(self, sealed: bytes) -> bool:
        """Whether one of the keys sealed it."""
        try:
            self.open(sealed)
        except SettingsProblem:
            return False
        return True

    def derived(self, purpose: str) -> list[bytes]:
        """Keys for another purpose, such as signing cookies, of each key one: the same in every process, the newest
        first."""
        self.prepare()
        return [key.derived(purpose) for key in self._keys()]

    def prepare(self) -> None:
        """Sees that there is a key to seal with."""

    def tell(self, connection_id: str, sealed: bytes) -> None:
        """Says in the log, once of each, that no key opens the credential of this connection."""
        if sealed in self._told:
            return
        self._told.add(sealed)
        remedy = "Give back the old CONNECTOR_SECRET_KEY (or the file secret.key), or the credential again."
        log.error("credential_unreadable", connection=connection_id, remedy=remedy)

    def _keys(self) -> list[_Key]:
        return self._fernets


class FileVault(Vault):
    """With the key of a file. As long as that is missing nothing can be opened; it is made when something is sealed,
    not before: there may be a database that only the lost one opens."""

    def __init__(self, path: Path) -> None:
        """Raises `SettingsProblem` when the file holds no key."""
        self._path, self._fernets, self._told = path, [], set()
        self._keys()

    def seal(self, secret: str) -> bytes:
        """The secret, encrypted. Raises `SettingsProblem` when there is no key and none can be kept."""
        self.prepare()
        return super().seal(secret)

    def prepare(self) -> None:
        """Makes the key when it is missing. Raises as `seal` does."""
        if not self._keys():
            _explained(self._path, _make)

    def _keys(self) -> list[_Key]:
        if not self._fernets:
            self._fernets = _explained(self._path, _read)
        return self._fernets


def where(settings: Settings) -> str:
    """Where the key is looked for, and what is there."""
    if settings.secret_key:
        return say("CONNECTOR_SECRET_KEY has another key")
    path = settings.data_dir / _FILE
    return f"CONNECTOR_SECRET_KEY is not set, and {path} {'has another key' if path.exists() else 'is missing'}"


def open_vault(settings: Settings) -> Vault:
    """The vault with the keys of the settings, else with that of the file in the data directory."""
    if settings.secret_key:
        return Vault([key.strip() for key in settings.secret_key.split(",") if key.strip()])
    return FileVault(settings.data_dir / _FILE)


def _fernets(keys: list[str]) -> list[_Key]:
    try:
        fernets = [_Key(key) for key in keys]
    except ValueError:
        fernets = []
    if not fernets:
        raise KeyUnusable(
            say(
                "CONNECTOR_SECRET_KEY must be one or more keys of 32 bytes in URL-safe base64, separated by commas. "
                "Make one with: crisp-connector connect secret"
            )
        )
    return fernets


def _explained(path: Path, act: Callable[[Path], list[_Key]]) -> list[_Key]:
    """Says in words what is wrong with the file."""
    try:
        return act(path)
    except KeyUnusable:
        raise SettingsProblem(
            say(
                "{path} in CONNECTOR_DATA_DIR holds no key. Give back the file as it was, or move it away and connect "
                "each website again: crisp-connector connect add",
                path=path,
            )
        ) from None
    except (OSError, UnicodeError) as problem:
        reason = getattr(problem, "strerror", None) or say("it holds no key")
        raise SettingsProblem(
            say(
                "{path} in CONNECTOR_DATA_DIR cannot be used: {reason}. Give it and its directory to the user that "
                "runs crisp-connector, or set CONNECTOR_SECRET_KEY.",
                path=path,
                reason=reason,
            )
        ) from None


def _read(path: Path) -> list[_Key]:
    """The key of the file, if it is there."""
    return _fernets([path.read_text(encoding="ascii").strip()]) if path.exists() else []


def _make(path: Path) -> list[_Key]:
    """A new key that appears under its name whole: another process may begin at the same moment, and uses it."""
    number, made = mkstemp(prefix=f"{path.name}-", dir=path.parent)  # for its owner alone
    try:
        with os.fdopen(number, "w", encoding="ascii") as file:
            file.write(Fernet.generate_key().decode())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(made, path)
    finally:
        Path(made).unlink(missing_ok=True)
    return _read(path)
