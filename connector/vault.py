"""Secrets at rest: credentials are encrypted with a key that is not in the database."""

import os
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from connector.settings import Settings, SettingsProblem

_FILE = "secret.key"


class Vault:
    """Seals and opens. With several keys the first seals and any opens, so that keys can be rotated."""

    def __init__(self, keys: list[str]) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise SettingsProblem(
                "CONNECTOR_SECRET_KEY must be one or more keys of 32 bytes in URL-safe base64, separated by commas. "
                "Make one with: crisp-connector connect secret"
            ) from None

    def seal(self, secret: str) -> bytes:
        """The secret, encrypted."""
        return self._fernet.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """The secret again. Raises `SettingsProblem` when none of the keys sealed it."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise SettingsProblem(
                "The stored Crisp credential cannot be opened: the secret key is not the one that sealed it. "
                "Give back the old CONNECTOR_SECRET_KEY (or the file secret.key), or connect the website again."
            ) from None


def open_vault(settings: Settings) -> Vault:
    """The vault with the keys of the settings, else of the file in the data directory, which is made when missing."""
    if settings.secret_key:
        return Vault([key.strip() for key in settings.secret_key.split(",") if key.strip()])
    return Vault([_file_key(settings.data_dir / _FILE)])


def _file_key(path: Path) -> str:
    try:
        if not path.exists():
            _make(path)
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it holds no key"
        raise SettingsProblem(f"{path.name} in CONNECTOR_DATA_DIR cannot be used: {reason}.") from None


def _make(path: Path) -> None:
    """A new key that appears under its name whole: another process may begin at the same moment, and uses it."""
    made = path.with_name(f"{path.name}-{os.getpid()}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(Fernet.generate_key().decode())
        file.flush()
        os.fsync(file.fileno())
    try:
        with suppress(FileExistsError):
            os.link(made, path)
    finally:
        made.unlink()
