"""`convert`: a file for Crisp's own import, which gives the same people as importing the file itself."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.files.sheets import SAMPLE_FILES, SAMPLES, expected
from tests.process.commands import Env, refused, result
from tests.process.people import without_own
from tests.process.running import PROGRAM, Crisp, Service, run, together
from tests.process.websites import fresh, websites

# Every sample in one process.
_CONVERT = """
import json, sys
from connector.cli import main
for words in json.loads(sys.argv[1]):
    main(["convert", *words, "--json"], standalone_mode=False)
    print(",")
"""
_MAPPED = "no_header.csv"


@pytest.fixture(scope="module")
def services(sandbox: Crisp, folder: Path) -> Iterator[list[Service]]:
    """One running service, with API keys of two websites for each file."""
    with websites(2 * len(SAMPLE_FILES), sandbox, folder) as found:
        yield found


@pytest.fixture(scope="module")
def converted(folder: Path) -> dict[str, dict[str, Any]]:
    """What `convert` says of each file. Without a website, for none is needed."""
    mapping = folder / "mapping.json"
    mapping.write_text(json.dumps(expected(_MAPPED)["options"]["mapping"]))
    beside = {_MAPPED: ["--header", "none", "--mapping", str(mapping)]}
    words = [[str(SAMPLES / name), "--output", f"{name}.ready.csv", *beside.get(name, ())] for name in SAMPLE_FILES]
    program, env = (PROGRAM[0], "-c", _CONVERT), {"CONNECTOR_DATA_DIR": str(folder / "converting")}
    ended = run(json.dumps(words), env=env, program=program, cwd=folder)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(f"[{ended.stdout.rstrip().removesuffix(',')}]")
    return dict(zip(SAMPLE_FILES, told, strict=True))


def read(path: Path) -> list[list[str]]:
    """The records of a file that was written."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def imported(service: Service, file: Path, said: dict[str, str]) -> dict[str, Any]:
    """The import of a file, when it is over."""
    answer = service.post("/v1/imports", files={"file": (file.name, file.read_bytes())}, data=said)
    assert answer.status_code == 202, answer.text
    return service.finished(answer.json()["import_id"])


def people(sandbox: Crisp) -> dict[str, dict[str, Any]]:
    """Everybody whom Crisp has, without what it adds itself."""
    return {email: without_own(card) for email, card in sandbox.people().items()}


@pytest.mark.parametrize("name", SAMPLE_FILES)
def test_what_is_converted_gives_the_same_people(
    services: list[Service], sandbox: Crisp, folder: Path, converted: dict[str, dict[str, Any]], name: str
) -> None:
    wanted, told, target = expected(name), converted[name], folder / f"{name}.ready.csv"
    rejected = [f"{name}.ready-rejected.csv"] if wanted["rejected"] else []
    assert told["files"] == [target.name, *rejected]
    assert (told["contacts"], told["rejected"]) == (wanted["contacts"], len(wanted["rejected"]))
    assert len(read(target)) == 1 + wanted["contacts"]
    number = 2 * SAMPLE_FILES.index(name)
    options = dict(wanted.get("options", {}))
    said = {"mapping": json.dumps(options.pop("mapping"))} if options else {}
    fresh(sandbox, number)
    shown = imported(services[number], SAMPLES / name, {"options": json.dumps(options), **said} if said else {})
    failures = services[number].get(f"/v1/imports/{shown['id']}/failures.csv").content
    assert [failures] == [(folder / each).read_bytes() for each in rejected]
    itself = people(sandbox)
    fresh(sandbox, number + 1)
    totals = imported(services[number + 1], target, {})["totals"]
    assert totals["created"] == totals["records"] == wanted["contacts"]
    assert people(sandbox) == itself


def test_what_is_written_is_as_crisp_takes_it(folder: Path, converted: dict[str, dict[str, Any]]) -> None:
    head, *rows = read(folder / converted["crisp_data_columns.csv"]["files"][0])
    for name in ("email", "nickname", "phone", "country", "city", "segments", "company name", "data.plan", "data.ltv"):
        assert name in head
    assert {"first_name", "last_name"} & set(head) == set()
    assert [name for name in head if name.startswith("data.") and not name[5:].replace("_", "").isalnum()] == []
    emails = [row[head.index("email")] for row in rows]
    assert sorted(set(emails)) == emails
    assert all(len(row) == len(head) for row in rows)
    assert all(row[head.index("country")].isupper() for row in rows if row[head.index("country")])


def test_in_parts_beside_the_file_with_the_rejected_rows_in_a_file_of_their_own(env: Env, tmp_path: Path) -> None:
    file = tmp_path / "folder" / "contacts.csv"
    file.parent.mkdir()
    file.write_bytes((SAMPLES / "hubspot.csv").read_bytes())
    ended = run("convert", str(file), "--rows-per-file", "10", env=env, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert "22 contacts." in ended.stderr
    assert "2 rows cannot be imported: see " in ended.stderr
    parts = [file.with_name(f"contacts-crisp-{number}.csv") for number in (1, 2, 3)]
    read_parts = [read(part) for part in parts]
    assert [len(part) for part in read_parts] == [11, 11, 3]
    assert read_parts[0][0] == read_parts[1][0] == read_parts[2][0]
    head, *rows = read(file.with_name("contacts-crisp-rejected.csv"))
    assert head[:2] + head[-3:] == ["Record ID", "First Name", "error_code", "error_field", "error_message"]
    assert [row[-3] for row in rows] == ["email_missing", "email_invalid"]
    written = sorted(path.name for path in file.parent.iterdir())

    parts[0].unlink()
    again = refused("convert", str(file), "--rows-per-file", "10", env=env)
    assert "contacts-crisp-2.csv is there already" in again
    assert sorted(path.name for path in file.parent.iterdir()) == [name for name in written if name != parts[0].name]


def test_without_a_website_and_with_nothing_in_the_file_that_can_be_imported(tmp_path: Path) -> None:
    """To convert, no Crisp is needed. What cannot be done leaves no file behind."""
    (tmp_path / "good.csv").write_text("Email,First name\nada@example.com,Ada\n")
    (tmp_path / "bad.csv").write_text("Email,First name\nnobody,Ada\n,Bo\n")
    (tmp_path / "head.csv").write_text("Email,First name\n")
    env = {"CONNECTOR_DATA_DIR": str(tmp_path / "data")}
    assert result("convert", "good.csv", env=env, cwd=tmp_path)["files"] == ["good-crisp.csv"]
    assert read(tmp_path / "good-crisp.csv") == [["email", "nickname"], ["ada@example.com", "Ada"]]
    bad, head, mode = together(
        lambda: refused("convert", "bad.csv", env=env, cwd=tmp_path),
        lambda: refused("convert", "head.csv", env=env, cwd=tmp_path),
        lambda: run("convert", "good.csv", "--mode", "create", env=env, cwd=tmp_path),
    )
    assert "1 × email_invalid" in bad
    assert "1 × email_missing" in bad
    assert "no rows" in head
    assert mode.returncode == 2
    assert not (tmp_path / "bad-crisp.csv").exists()
    assert not (tmp_path / "bad-crisp-rejected.csv").exists()
