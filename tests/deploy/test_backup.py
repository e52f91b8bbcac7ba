"""The commands for backing up and restoring that docs/deploy.md gives, carried out while the service runs."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.process.running import ROOT, Crisp, Service, running


def commands_of(kind: str) -> list[str]:
    """The commands in a row of the table: how to back up, how to restore."""
    page = (ROOT / "docs" / "deploy.md").read_text()
    [row] = re.findall(rf"^\| {kind} \|(.+)\|$", page, re.MULTILINE)
    return re.findall(r"`((?:sqlite3|pg_dump|pg_restore) [^`]+)`", row)


def shell(command: str, **env: str) -> None:
    """Carries out a command; it is left out loudly where its program is not there or too old."""
    program = command.split()[0]
    if shutil.which(program) is None:
        pytest.skip(f"LEFT OUT: {program} is not installed here")
    done = subprocess.run(["sh", "-c", command], env={**os.environ, **env}, capture_output=True, text=True)
    if "version mismatch" in done.stderr:
        pytest.skip(f"LEFT OUT: {program} is older than the server")
    assert done.returncode == 0, done.stderr


def send(env: Mapping[str, str], folder: Path, *names: str, then: str = "", **shell_env: str) -> list[str]:
    """What becomes of these people; `then` is carried out while the service still runs."""
    with running("serve", "--port", "0", "--json", env=env, folder=folder) as process:
        service = Service(process.url)
        sent = [{"email": f"{name}@example.com", "first_name": name} for name in names]
        told = [service.post("/v1/contacts", json=each).json()["status"] for each in sent]
        if then:
            shell(then, **shell_env)
        assert process.stop() == 0
    return told


def check_that_nothing_is_doubled(env: Mapping[str, str], folder: Path, crisp: Crisp) -> None:
    """Ada is in the backup, Grace came after it: Crisp has both, the database knows of one."""
    calls = crisp.calls
    assert send(env, folder, "ada") == ["unchanged"]
    assert crisp.calls == calls, "it was known, and nothing was asked"
    assert send(env, folder, "grace") != ["created"]
    assert set(crisp.stats()["creations"].values()) == {1}
    assert set(crisp.people()) == {"ada@example.com", "grace@example.com"}


def test_sqlite_comes_back_from_its_backup(crisp: Crisp, tmp_path: Path) -> None:
    [backup] = commands_of("SQLite")
    data, kept = tmp_path / "data", tmp_path / "backup"
    kept.mkdir()
    env = {**crisp.env, "CONNECTOR_DATA_DIR": str(data)}
    here = backup.replace("/var/lib/crisp-connector", str(data)).replace("/backup", str(kept))
    assert send(env, tmp_path, "ada", then=here) == ["created"]
    assert send(env, tmp_path, "grace") == ["created"]
    shutil.copy(data / "secret.key", kept)
    shutil.rmtree(data)
    shutil.copytree(kept, data)
    check_that_nothing_is_doubled(env, tmp_path, crisp)


def test_postgresql_comes_back_from_its_backup(
    settings: dict[str, str], database: str, crisp: Crisp, tmp_path: Path
) -> None:
    backup, restore = (each.replace("/backup/", f"{tmp_path}/") for each in commands_of("PostgreSQL"))
    url = database.replace("postgresql+psycopg://", "postgresql://")
    env = {**settings, "CONNECTOR_DATABASE_URL": database, "CONNECTOR_DATA_DIR": str(tmp_path / "data")}
    assert send(env, tmp_path, "ada", then=backup, URL=url) == ["created"]
    assert send(env, tmp_path, "grace") == ["created"]
    shell(restore, URL=url)
    check_that_nothing_is_doubled(env, tmp_path, crisp)
