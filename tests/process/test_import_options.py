"""Options of `import`: mappings, files without a header or that are not kept, addresses; and what is no file."""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from pytest_httpserver import HTTPServer

from tests.files.sheets import SAMPLES
from tests.process.commands import GOOD, Env, cells, outcomes, refused, result, written
from tests.process.running import PROGRAM, Crisp, run, together

HUBSPOT, NO_HEADER = str(SAMPLES / "hubspot.csv"), str(SAMPLES / "no_header.csv")


def test_a_mapping_of_a_file_is_used_saved_and_found_again(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    file = tmp_path / "ours.csv"
    file.write_text("Courriel pro,Surnom,Formule\nada@example.com,Ada,pro\n")
    mapping = written(
        tmp_path / "mapping.json", {"email": "Courriel pro", "nickname": "Surnom", "data.plan": "formule"}
    )
    shown = result("import", str(file), "--mapping", mapping, "--save-mapping", "letter", "--yes", env=env)
    assert outcomes(shown) == {"records": 1, "created": 1}
    card = crisp.people()["ada@example.com"]
    assert (card["person"]["nickname"], card["data"]) == ("Ada", {"plan": "pro"})
    by_itself, by_name, wrong, nowhere = together(
        lambda: result("import", str(file), "--dry-run", env=env),
        lambda: result("import", str(file), "--dry-run", "--mapping", "letter", env=env),
        lambda: refused("import", HUBSPOT, "--dry-run", "--mapping", "letter", env=env),
        lambda: refused("import", str(file), "--dry-run", "--mapping", "another", env=env),
    )
    for seen in (by_itself, by_name):
        assert (seen["saved_mapping"], seen["mapping"]["data.plan"], seen["totals"]["unchanged"]) == (
            "letter",
            ["Formule"],
            1,
        )
    assert "Courriel pro" in wrong
    assert nowhere == "Error: There is neither a file another nor a saved mapping of that name.\n"


def test_a_mapping_that_makes_no_sense_is_told_and_nothing_is_imported(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{email: Mail}")
    unknown = written(tmp_path / "unknown.json", {"email": "Email", "shoe_size": "City"})
    missing = written(tmp_path / "missing.json", {"email": "Mail", "city": "Town"})
    inline = json.dumps({"email": "Mail", "nickname": ["Surname"] * 40})
    told = together(
        *[
            lambda said=said: refused("import", HUBSPOT, "--yes", "--mapping", said, env=env)
            for said in (str(broken), unknown, missing, inline)
        ]
    )
    assert "broken.json is no mapping. It must be JSON" in told[0]
    assert "shoe_size" in told[1]
    assert "Mail" in told[2]
    assert "Town" in told[2]
    assert "Error: {" in told[3]
    assert crisp.calls == 0
    both = run("import", HUBSPOT, "--dry-run", "--save-mapping", "x", env=env)
    assert (both.returncode, "--dry-run writes nothing" in both.stderr) == (2, True)


def test_a_file_without_a_header(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    mapping = written(tmp_path / "mapping.json", {"email": "2", "full_name": "1", "country": "5"})
    options = ("--header", "none", "--mapping", mapping, "--yes")
    shown = result("import", NO_HEADER, *options, env=env, code=3)
    assert outcomes(shown) == {"records": 15, "created": 13, "superseded": 1, "rejected": 1}
    assert crisp.people()["bjorn.exempelsson@exempeldata.example"]["person"]["nickname"] == "Björn Exempelsson"
    head, row = cells(run("failures", shown["id"], env=env).stdout)
    assert head == ["full_name", "email", "3", "4", "country", "error_code", "error_field", "error_message"]
    assert row[5:7] == ["email_invalid", "email"]
    for line in ("0", "first"):
        ended = run("import", NO_HEADER, "--header", line, env=env)
        assert (ended.returncode, "Invalid value for '--header'" in ended.stderr) == (2, True)


def test_a_file_that_is_forgotten_has_no_failures_file(env: Env, tmp_path: Path) -> None:
    shown = result("import", HUBSPOT, "--yes", "--forget", env=env, code=3)
    assert "failures" not in shown["links"]
    assert "not kept" in refused("failures", shown["id"], env=env)
    kept = [path for path in (tmp_path / "data" / "files").rglob("*") if path.is_file()]
    assert kept == []


def test_what_is_no_file_is_told_in_one_sentence(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    empty, pdf = tmp_path / "empty.csv", tmp_path / "letter.csv"
    empty.write_bytes(b"")
    pdf.write_bytes(b"%PDF-1.7\n" + b"x" * 200)
    files = (tmp_path / "nothing.csv", tmp_path, loop, empty, pdf)
    missing, folder, unreadable, nothing, other = together(
        *[lambda file=file: refused("import", str(file), "--yes", env=env) for file in files]
    )
    assert "nothing.csv cannot be read: No such file or directory." in missing
    assert "cannot be read: Is a directory." in folder
    assert "loop.csv cannot be read: Too many levels of symbolic links." in unreadable
    assert "empty" in nothing
    assert "PDF" in other
    assert crisp.calls == 0
    assert not list((tmp_path / "data" / "files").rglob("*.csv"))


def test_options_that_do_not_fit_the_file_are_told(env: Env) -> None:
    options = (("--sheet", "Nope"), ("--encoding", "klingon"), ("--header", "7"), ("--connection", "nobody"))
    files = (str(SAMPLES / "dynamics.xlsx"), HUBSPOT, HUBSPOT, HUBSPOT)
    told = together(
        *[
            lambda file=file, option=option: refused("import", file, *option, "--yes", env=env)
            for file, option in zip(files, options, strict=True)
        ]
    )
    assert "All Contacts" in told[0]
    assert told[1].count("no such encoding") == 1
    assert "email" in told[2]
    assert "There is no connection nobody." in told[3]


# The program with another authority that is trusted.
_TRUSTING = """
import sys
from connector.hooks import pinned
pinned.DEFAULT_CA_BUNDLE_PATH = sys.argv.pop(1)
from connector.cli import main
main(sys.argv[1:])
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The address of a file on this machine, and the program that trusts its certificate."""
    authority, bundle = trustme.CA(), tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=context) as server:
        server.expect_request("/good.csv").respond_with_data(GOOD, content_type="text/csv")
        server.expect_request("/page").respond_with_data("<html>Sign in</html>", content_type="text/html")
        yield f"https://127.0.0.1:{server.port}", (PROGRAM[0], "-c", _TRUSTING, str(bundle))


def test_an_address_is_fetched_only_where_that_is_allowed(
    env: Env, crisp: Crisp, shop: tuple[str, tuple[str, ...]], tmp_path: Path
) -> None:
    url, program = shop
    allowing = {**env, "CONNECTOR_EGRESS_ALLOW": url.removeprefix("https://")}
    private, plain, page = together(
        lambda: refused("import", f"{url}/good.csv", "--yes", env=env, program=program),
        lambda: refused("import", f"{url}/good.csv".replace("https", "http"), "--yes", env=env, program=program),
        lambda: refused("import", f"{url}/page", "--yes", env=allowing, program=program),
    )
    assert "not fetched" in private
    assert "https://" in plain
    assert "web page" in page
    assert crisp.calls == 0
    shown = result("import", f"{url}/good.csv", "--yes", env=allowing, program=program)
    assert (shown["file_name"], outcomes(shown)) == ("good.csv", {"records": 3, "created": 3})
    result("convert", f"{url}/good.csv", env=allowing, program=program, cwd=tmp_path)
    assert (tmp_path / "good-crisp.csv").exists()
