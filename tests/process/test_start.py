"""What keeps the service from starting is said in one sentence, and nothing is begun."""

import json
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import requests

from connector.ledger.database import VERSIONS
from tests.process.running import copied, run, running, together

TOKEN = {"CRISP_WEBSITE_ID": "W", "CRISP_IDENTIFIER": "I", "CRISP_KEY": "a-secret-key"}
SETTINGS: dict[str, tuple[dict[str, str], str]] = {
    "not a number": ({"CONNECTOR_CONCURRENCY": "many"}, "CONNECTOR_CONCURRENCY"),
    "out of range": ({"CONNECTOR_DRAINS": "0"}, "CONNECTOR_DRAINS"),
    "not a choice": ({"CRISP_TIER": "gold"}, "CRISP_TIER"),
    "no key beside the website": ({"CRISP_WEBSITE_ID": "W", "CRISP_IDENTIFIER": "I"}, "CRISP_KEY"),
    "no address": ({"CRISP_API_URL": "api.crisp.chat/v1"}, "CRISP_API_URL"),
    "a driver that is not there": (
        {"CONNECTOR_DATABASE_URL": "nosuch://user:a-secret-key@host/name"},
        "CONNECTOR_DATABASE_URL",
    ),
    "no Fernet key": ({"CONNECTOR_SECRET_KEY": "a-secret-key"}, "CONNECTOR_SECRET_KEY"),
    "a file where a directory must be": ({**TOKEN, "CONNECTOR_DATA_DIR": "{file}"}, "CONNECTOR_DATA_DIR"),
}


@pytest.fixture(scope="module")
def refused(folder: Path) -> dict[str, "CompletedProcess[str]"]:
    """`serve` with each of the settings, side by side."""
    (folder / "a-file").write_text("")

    def start(name: str) -> "CompletedProcess[str]":
        given = {key: value.format(file=folder / "a-file") for key, value in SETTINGS[name][0].items()}
        env = {"CONNECTOR_DATA_DIR": str(folder / name), **given}
        return run("serve", "--port", "0", "--json", env=env, cwd=folder)

    return dict(zip(SETTINGS, together(*(partial(start, name) for name in SETTINGS)), strict=True))


@pytest.mark.parametrize("name", SETTINGS)
def test_a_broken_setting_is_named_in_one_sentence(refused: dict[str, "CompletedProcess[str]"], name: str) -> None:
    ended = refused[name]
    assert ended.returncode == 1, ended.stderr
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith("Error: ")
    assert SETTINGS[name][1] in lines[0]
    assert "a-secret-key" not in ended.stderr
    assert ended.stdout == ""


def test_nobody_is_started_with_none_of_them() -> None:
    commands = [(name, option, "0") for name in ("serve", "web") for option in ("--workers", "--threads")]
    for ended in together(*(partial(run, *command, env={}) for command in commands)):
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "x>=1" in ended.stderr


def _without_brace(text: str) -> str:
    return text.rstrip().removesuffix("}")


def _of_unknown_kind(text: str) -> str:
    return text.replace('"type": "email"', '"type": "letter"', 1)


def _of_unknown_field(text: str) -> str:
    read = json.loads(text)
    read["tables"]["contact"][0]["field"] = "shoe_size"
    return json.dumps(read)


MANIFESTS = {
    "not JSON": ("fields.json", _without_brace, ("manifests/fields.json", "Expecting")),
    "against the schema": (
        "fields.json",
        _of_unknown_kind,
        ("manifests/fields.json", "$.fields[0].type", '"letter" is not one of "string", "text", '),
    ),
    "a field that nobody declared": (
        "sources/dynamics.json",
        _of_unknown_field,
        ("manifests/sources/dynamics.json", "$.tables.contact", "unknown field shoe_size"),
    ),
}


COMMANDS = {"serve": ("serve", "--port", "0"), "send": ("send", "-"), "doctor": ("doctor", "--json")}


@pytest.fixture(scope="module")
def broken(folder: Path) -> "dict[tuple[str, str], CompletedProcess[str]]":
    """Commands over each of the manifests, side by side."""
    for name, (file, broken, _) in MANIFESTS.items():
        path = copied(folder / f"broken {name}") / "manifests" / file
        path.write_text(broken(path.read_text()))
    wanted = [("serve", name) for name in MANIFESTS] + [(command, "not JSON") for command in ("send", "doctor")]

    def start(command: str, name: str) -> "CompletedProcess[str]":
        cwd = folder / f"broken {name}"
        return run(*COMMANDS[command], env={"CONNECTOR_DATA_DIR": str(cwd / "data")}, cwd=cwd)

    ended = together(*(partial(start, *each) for each in wanted))
    return dict(zip(wanted, ended, strict=True))


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_broken_manifest_stops_the_start_with_file_place_and_reason(
    broken: "dict[tuple[str, str], CompletedProcess[str]]", folder: Path, name: str
) -> None:
    ended = broken["serve", name]
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Traceback" not in ended.stderr
    assert all(part in ended.stderr for part in MANIFESTS[name][2]), ended.stderr
    assert not (folder / f"broken {name}" / "data").exists(), "nothing was begun"


def test_a_command_made_of_the_manifests_says_so_too(
    broken: "dict[tuple[str, str], CompletedProcess[str]]",
) -> None:
    ended = broken["send", "not JSON"]
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Error: manifests/fields.json: ")


def test_doctor_names_a_broken_manifest(broken: "dict[tuple[str, str], CompletedProcess[str]]") -> None:
    ended = broken["doctor", "not JSON"]
    [found] = json.loads(ended.stdout)
    assert (ended.returncode, found["ok"]) == (1, False)
    assert "manifests/fields.json" in found["found"]


def test_several_processes_begin_at_once_on_an_empty_directory(folder: Path) -> None:
    env = {"CONNECTOR_DATA_DIR": str(folder / "at once"), "CRISP_WEBSITE_ID": "W"}
    token = {"CRISP_IDENTIFIER": "I", "CRISP_KEY": "K"}
    for ended in together(*[partial(run, "connect", "list", "--json", env={**env, **token})] * 4):
        assert ended.returncode == 0, ended.stderr
        assert [each["id"] for each in json.loads(ended.stdout)] == ["W"]
    assert (folder / "at once" / "secret.key").stat().st_mode & 0o777 == 0o600
    files = {path.name for path in (folder / "at once").iterdir()}
    assert {name for name in files if not name.endswith(("-wal", "-shm"))} == {"connector.db", "queue.db", "secret.key"}


NEWEST = VERSIONS[-1]
_NEXT_TABLES = """
import sqlalchemy as sa
from alembic import op
revision = "9998"
down_revision = "{newest}"
branch_labels = None
depends_on = None
def upgrade() -> None:
    op.create_table("shelves", sa.Column("id", sa.Integer(), primary_key=True))
"""


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The program as it may be one day, with one more version of the tables."""
    path = copied(tmp_path / "newer")
    ledger = path / "connector" / "ledger"
    (ledger / "migrations" / "versions" / "9998_shelves.py").write_text(_NEXT_TABLES.format(newest=NEWEST))
    database = ledger / "database.py"
    text = database.read_text()
    assert text.count(f'"{NEWEST}")') == 1
    database.write_text(text.replace(f'"{NEWEST}")', f'"{NEWEST}", "9998")'))
    return path


def test_a_database_of_another_version_is_refused_until_it_is_migrated(newer: Path, tmp_path: Path) -> None:
    env = {"CONNECTOR_DATA_DIR": str(tmp_path / "data")}
    made = run("migrate", "--json", env=env)
    assert json.loads(made.stdout) == {"before": None, "after": NEWEST}

    older = run("serve", "--port", "0", env=env, cwd=newer)
    assert (older.returncode, older.stdout) == (1, "")
    assert older.stderr == "Error: The database is of an older version. Run: crisp-connector migrate\n"
    [_, found] = json.loads(run("doctor", "--json", env=env, cwd=newer).stdout)
    assert (found["check"], found["found"]) == ("database", older.stderr.removeprefix("Error: ").strip())
    assert "CONNECTOR_" not in found["remedy"], "the settings are not what is wrong"

    migrated = run("migrate", "--json", env=env, cwd=newer)
    assert json.loads(migrated.stdout) == {"before": NEWEST, "after": "9998"}
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path, cwd=newer) as process:
        assert requests.get(f"{process.url}/readyz", timeout=10).json()["database"] == "9998"

    for refused in together(lambda: run("serve", "--port", "0", env=env), lambda: run("migrate", env=env)):
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "newer version than this program" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1


def test_a_database_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "connector.db").write_text("this is no database " * 100)
    ended = run("serve", "--port", "0", env={"CONNECTOR_DATA_DIR": str(tmp_path)})
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: The database ")
    assert "Traceback" not in ended.stderr
