"""Disks and files in trouble: a sentence that names them, nothing overwritten, and a service that goes on by itself."""

import os
import resource
import shutil
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from tests.process.commands import Env, people, result, written
from tests.process.running import PROGRAM, Crisp, Service, run, running, together, until

# Root may do everything, whatever a file's mode says: without these capabilities it is as anybody else.
ANYBODY = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", *PROGRAM) if os.geteuid() == 0 else PROGRAM
COMMANDS = (("serve", "--port", "0"), ("work",), ("connect", "list"))
needs_setpriv = pytest.mark.skipif(not shutil.which(ANYBODY[0]), reason="setpriv, of util-linux, is not here")


def refused(*command: str, env: Env, **more: Any) -> str:
    """What a command says that cannot begin: one sentence."""
    ended = run(*command, env=env, **more)
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr + ended.stdout
    assert ended.stderr.startswith("Error: "), ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    return ended.stderr


def each_refused(env: Env, **more: Any) -> list[str]:
    """What each of the commands says, side by side."""
    return together(*(partial(refused, *command, env=env, **more) for command in COMMANDS))


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file that is left, but for those that SQLite itself makes and removes."""
    beside = ("-wal", "-shm")
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith(beside)}


@pytest.fixture
def data(env: Env) -> Path:
    """A data directory that was used; it has some hundred kilobytes."""
    result("connect", "list", env=env)
    folder = Path(env["CONNECTOR_DATA_DIR"])
    with closing(sqlite3.connect(folder / "connector.db")) as database:
        rows = [(f"key-{number}", "x" * 900) for number in range(300)]
        website = database.execute("SELECT id FROM connections").fetchone()[0]
        insert = "INSERT INTO mappings (connection_id, name, rows, updated_at) VALUES (?, ?, ?, 0)"
        database.executemany(insert, [(website, name, f'{{"email": "{filler}"}}') for name, filler in rows])
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


def _in_the_header(whole: bytes) -> bytes:
    return bytes(100) + whole[100:]


def _in_the_middle(whole: bytes) -> bytes:
    return whole[:4096] + b"\xaa" * (len(whole) - 4096)


def _cut_off(whole: bytes) -> bytes:
    return whole[:6000]


@pytest.mark.parametrize("broken", [_in_the_header, _in_the_middle, _cut_off])
def test_a_damaged_file_is_named_and_left_as_it_is(env: Env, data: Path, broken: Any) -> None:
    file = data / "connector.db"
    file.write_bytes(broken(file.read_bytes()))
    before = bytes_of(data)
    for said in each_refused(env):
        assert str(file) in said
        assert "It was not changed." in said
    found = next(each for each in result("doctor", env=env, code=1) if not each["ok"])
    assert (found["check"], str(file) in found["found"]) == ("database", True)
    assert bytes_of(data) == before


def test_doctor_finds_damage_where_nobody_has_read_yet(env: Env, data: Path) -> None:
    file = data / "connector.db"
    whole = file.read_bytes()
    at = whole.rindex(b"x" * 800) // 4096 * 4096
    file.write_bytes(whole[:at] + b"\xaa" * 4096 + whole[at + 4096 :])
    found = next(each for each in result("doctor", env=env, code=1) if not each["ok"])
    assert (found["check"], found["found"]) == ("database", "the file is damaged")
    assert "backup" in found["remedy"]


def test_a_directory_in_place_of_the_file_is_named(env: Env, tmp_path: Path) -> None:
    (tmp_path / "data" / "connector.db").mkdir(parents=True)
    for said in each_refused(env):
        assert f"{tmp_path}/data/connector.db cannot be used: it is a directory." in said


def test_a_database_in_a_directory_that_is_not_there_is_named(env: Env, tmp_path: Path) -> None:
    given = {**env, "CONNECTOR_DATABASE_URL": f"sqlite:///{tmp_path}/nowhere/ledger.db"}
    said = refused("work", env=given)
    assert f"{tmp_path}/nowhere/ledger.db" in said
    assert "Check that its directory is there" in said


@needs_setpriv
@pytest.mark.parametrize("directory", [True, False])
def test_what_is_read_only_is_named_and_left_as_it_is(env: Env, data: Path, *, directory: bool) -> None:
    other = {**env, "CRISP_WEBSITE_ID": "another"}  # something to write at the start
    before = bytes_of(data)
    (data / "connector.db").chmod(0o444)
    data.chmod(0o555 if directory else 0o755)
    try:
        for said in each_refused(other, program=ANYBODY):
            assert f"{data}/connector.db cannot be used: it is read-only." in said
    finally:
        data.chmod(0o755)
    assert bytes_of(data) == before


@needs_setpriv
def test_a_new_data_directory_that_is_read_only_is_named(env: Env, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o555)
    for said in each_refused(env, program=ANYBODY):
        assert f"{tmp_path}/data/connector.db cannot be used: unable to open database file." in said
    elsewhere = {**env, "CONNECTOR_DATABASE_URL": f"sqlite:///{tmp_path}/ledger.db"}
    for said in each_refused(elsewhere, program=ANYBODY):
        assert f"{tmp_path}/data/secret.key in CONNECTOR_DATA_DIR cannot be used: Permission denied." in said
    below = {**env, "CONNECTOR_DATA_DIR": f"{tmp_path}/data/below"}
    assert "CONNECTOR_DATA_DIR cannot be made: Permission denied" in refused("work", env=below, program=ANYBODY)


def test_without_room_nothing_begins_and_with_room_it_does(env: Env, tmp_path: Path) -> None:
    """A limit of the size of a file, which the kernel keeps as it keeps the size of a disk."""
    limited = ("prlimit", "--fsize=20000", *PROGRAM)
    for said in each_refused(env, program=limited):
        assert f"{tmp_path}/data/connector.db cannot be used" in said
        assert "room" in said
    assert result("connect", "list", env=env)[0]["halted"] is None


def test_a_service_whose_disk_is_full_answers_503_lives_on_and_recovers(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        service = Service(process.url)
        assert service.post("/v1/contacts", json={"email": "before@example.com"}).json()["status"] == "created"
        pids = [process.process.pid, *_children(process.process.pid)]
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
        refused = [service.post("/v1/contacts", json=_large(number)) for number in range(5)]
        assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(503, "database_unavailable")}
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
        assert service.get("/v1/me").status_code == 200, "reading goes on"
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        accepted = [service.post("/v1/contacts", json=_large(number)) for number in range(5)]
        assert {answer.status_code for answer in accepted} == {200}
        assert process.process.poll() is None
        assert "Traceback" not in process.messages()
    assert set(crisp.people()) == {"before@example.com", *(f"large{number}@example.com" for number in range(5))}
    assert set(crisp.stats()["creations"].values()) == {1}
    with closing(sqlite3.connect(Path(env["CONNECTOR_DATA_DIR"], "connector.db"))) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _large(number: int) -> dict[str, Any]:
    """A record of some kilobytes."""
    return {"email": f"large{number}@example.com", "data": {f"key-{each}": "x" * 900 for each in range(20)}}


def test_a_delivery_while_the_disk_is_full_is_told_once_and_counted_later(
    env: Env, crisp: Crisp, tmp_path: Path
) -> None:
    """What was accepted before is delivered after, nobody twice."""
    crisp.set(latency_ms=40)
    few = {**env, "CONNECTOR_CONCURRENCY": "4"}
    with running("serve", "--port", "0", "--json", env=few, folder=tmp_path) as process:
        service = Service(process.url)
        told = service.batch([{"email": f"p{number}@example.com"} for number in range(60)])
        until(lambda: crisp.stats()["people"] > 5, what="a part of the delivery")
        pids = [process.process.pid, *_children(process.process.pid)]
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
        until(lambda: "drain_broken" in process.messages(), what="the end of the room")
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        totals = service.finished(told["import_id"], seconds=60)["totals"]
    assert totals["created"] + totals["updated"] + totals["unchanged"] == 60, totals
    assert set(crisp.stats()["creations"].values()) == {1}


def added(website: str, env: Env, *more: str, **changed: str) -> str:
    """Connects this website by hand; its first API key."""
    token = {"identifier": "I", "key": "K", **changed}
    said = (f"--{name}={value}" for name, value in {"website-id": website, **token}.items())
    key: str = result("connect", "add", *said, *more, env=env)["key"]
    return key


def first_of(crisp: Crisp, env: Env) -> str:
    """Connects the sandbox's website by hand; its API key."""
    said = crisp.running.said
    return added(said["website_id"], env, identifier=said["identifier"], key=said["key"])


STARTS = (("serve", "--port", "0"), ("web", "--port", "0"), ("work",))


@pytest.mark.parametrize("given", [True, False], ids=["another key", "no key file"])
def test_with_a_lost_secret_key_nothing_starts_and_nothing_is_overwritten(
    env: Env, crisp: Crisp, *, given: bool
) -> None:
    """The environment has the credential, and could overwrite what it cannot open."""
    website, folder = env["CRISP_WEBSITE_ID"], Path(env["CONNECTOR_DATA_DIR"])
    right, lost = ({**env, "CONNECTOR_SECRET_KEY": Fernet.generate_key().decode()} for _ in range(2))
    if not given:
        right, lost = env, env
    result("connect", "list", env=right)
    found = (folder / "secret.key").read_text() if not given else ""
    (folder / "secret.key").unlink(missing_ok=True)
    before = _stored(env)
    for said in together(*(partial(refused, *command, env=lost) for command in STARTS)):
        assert f"({website})" in said
        assert ("CONNECTOR_SECRET_KEY has another key" if given else f"{folder}/secret.key is missing") in said
        assert "crisp-connector connect add" in said
    listed, wrong = together(lambda: result("connect", "list", env=lost), lambda: result("doctor", env=lost, code=1))
    assert listed[0]["halted"] == "credential_unreadable"
    assert "cannot be opened" in str(wrong)
    assert _stored(env) == before
    assert not (folder / "secret.key").exists(), "no key is made that opens nothing"
    if given:
        assert result("connect", "list", env=right)[0]["halted"] is None
    else:
        (folder / "secret.key").write_text(found)
        assert result("connect", "list", env=right)[0]["halted"] is None
        (folder / "secret.key").unlink()
    # The other remedy: who says so expressly is obeyed.
    result("connect", "add", "--website-id", website, "--identifier", env["CRISP_IDENTIFIER"], env=lost)
    with running("work", "--json", env=lost, folder=folder):
        pass
    assert _stored(env) != before


def test_one_credential_that_cannot_be_opened_stops_no_other(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    """And whoever has its key delivers for it, beside a process that has not."""
    alone = {name: env[name] for name in ("CONNECTOR_DATA_DIR", "CRISP_API_URL")}
    both, one = ({**alone, "CONNECTOR_SECRET_KEY": Fernet.generate_key().decode()} for _ in range(2))
    first_key = first_of(crisp, both)
    other_key = added("W2", one, "--no-check")
    before = _stored(alone)
    sent = written(tmp_path / "one.json", people(1))
    assert "CONNECTOR_SECRET_KEY" in refused("send", sent, "--connection", env["CRISP_WEBSITE_ID"], env=one)
    with running("serve", "--port", "0", "--json", env=one, folder=tmp_path) as process:
        until(lambda: "credential_unreadable" in process.messages(), what="the message")
        waiting = Service(process.url, first_key).post("/v1/contacts?wait=2", json={"email": "ada@example.com"})
        assert (waiting.status_code, waiting.json()["status"]) == (202, "waiting")
        assert Service(process.url, first_key).get("/v1/me").json()["halted"] is None
        assert Service(process.url, other_key).get("/v1/me").status_code == 200
        assert _stored(alone) == before, "nothing was halted or overwritten"
        outcome = f"/v1/outcomes/{waiting.json()['outcome_id']}"
        with running("work", "--json", env=both, folder=tmp_path):
            until(
                lambda: Service(process.url, first_key).get(outcome).json()["status"] == "created",
                what="the delivery, by who has the key",
            )
        told = [line for line in process.messages().splitlines() if "credential_unreadable" in line]
        assert len(told) <= 2, "once at the start, once by who delivers; not each time"
    assert [row[:2] for row in _stored(alone)] == [row[:2] for row in before]


def test_commands_with_another_secret_key_leave_a_running_service_alone(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    """The environment has the credential, and could overwrite what it cannot open."""
    right, wrong = ({**env, "CONNECTOR_SECRET_KEY": Fernet.generate_key().decode()} for _ in range(2))
    one = written(tmp_path / "one.json", people(1))
    with running("serve", "--port", "0", "--json", env=right, folder=tmp_path) as process:
        before = _sealed(right)
        listed, found, sent, replayed = together(
            lambda: result("connect", "list", env=wrong),
            lambda: result("doctor", env=wrong, code=1),
            lambda: refused("send", one, env=wrong),
            lambda: refused("replay", "--code", "crisp_failed", env=wrong),
        )
        assert listed[0]["halted"] == "credential_unreadable"
        assert "cannot be opened" in next(each for each in found if not each["ok"])["found"]
        assert "CONNECTOR_SECRET_KEY" in sent
        assert "CONNECTOR_SECRET_KEY" in replayed
        assert _sealed(right) == before
        delivered = Service(process.url).post("/v1/contacts", json={"email": "ada@example.com"})
        assert (delivered.status_code, delivered.json()["status"]) == (200, "created")
        token = ("--website-id", env["CRISP_WEBSITE_ID"], "--identifier", env["CRISP_IDENTIFIER"])
        result("connect", "add", *token, "--key", env["CRISP_KEY"], env=wrong)
        assert _sealed(right) != before, "who says so expressly is obeyed"


def _stored(env: Env) -> list[tuple[Any, ...]]:
    """What the database has of every connection's credential and halt."""
    with closing(sqlite3.connect(Path(env["CONNECTOR_DATA_DIR"], "connector.db"))) as database:
        return database.execute("SELECT id, key_sealed, identifier, halted FROM connections ORDER BY id").fetchall()


def _sealed(env: Env) -> bytes:
    with closing(sqlite3.connect(Path(env["CONNECTOR_DATA_DIR"], "connector.db"))) as database:
        found: bytes = database.execute("SELECT key_sealed FROM connections").fetchone()[0]
        return found
