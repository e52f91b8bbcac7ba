"""What failed of a file, as a file to be corrected and imported again; and what Crisp's own import takes."""

import csv
import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.app.files import IMPORTS, cells, deliver, empty_store, fetched, imported, outcomes, previewed
from tests.app.stack import Crisp, Stack, problem

WHY = ["error_code", "error_field", "error_message"]


def failed(api: FlaskClient, stack: Stack, content: bytes | str, **more: Any) -> tuple[str, list[list[str]]]:
    """The import of a file, and its failures cell by cell."""
    import_id = imported(api, content, **more)
    deliver(stack)
    return import_id, cells(fetched(stack, import_id))


def test_the_columns_stay_and_the_reason_stands_beside(api: FlaskClient, stack: Stack) -> None:
    content = "City,Email,Whatever\r\nRome,ada@example.com,1\r\nBern,nobody,2\r\nOslo,,3\r\n"
    _, rows = failed(api, stack, content)
    assert rows[0] == ["City", "Email", "Whatever", *WHY]
    assert [row[:5] for row in rows[1:]] == [
        ["Bern", "nobody", "2", "email_invalid", "email"],
        ["Oslo", "", "3", "email_missing", "email"],
    ]
    assert all(row[5] for row in rows[1:])


def test_what_crisp_refused_stands_there_in_the_order_of_the_rows(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    crisp.add("zoe@example.com")
    crisp.add("ada@example.com")
    content = "email\nzoe@example.com\nnobody\nnew@example.com\nada@example.com\n"
    _, rows = failed(api, stack, content, options={"mode": "create"})
    assert [row[:2] for row in rows[1:]] == [
        ["zoe@example.com", "contact_exists"],
        ["nobody", "email_invalid"],
        ["ada@example.com", "contact_exists"],
    ]


DIALECTS: list[tuple[str, bytes, str, bytes, dict[str, str]]] = [
    ("comma", b"email,city\r\nnobody,Rome\r\nada@b.co,\r\n", "utf-8", b"email,city,error_code", {}),
    ("semicolon", b"email;city\nnobody;Rome\nada@b.co;\n", "utf-8", b"email;city;error_code", {"delimiter": ";"}),
    ("mark of UTF-8", b"\xef\xbb\xbfemail,city\nnobody,Rome\nada@b.co,\n", "utf-8-sig", b"\xef\xbb\xbfemail", {}),
    ("Windows-1252", "email,ville\nnobody,Genève\na@b.co,Zürich\n".encode("cp1252"), "cp1252", b"email,ville", {}),
    (
        "UTF-16 with tabs",
        "email\tcity\r\nnobody\tŁódź\r\nada@b.co\t\r\n".encode("utf-16"),
        "utf-16",
        "\ufeffemail\tcity\terror_code".encode("utf-16-le"),
        {"delimiter": "\t"},
    ),
    ("all quoted", b'"email","city"\n"nobody","Rome"\n"ada@b.co",""\n', "utf-8", b'"email","city","error_code"', {}),
]


@pytest.mark.parametrize(
    ("content", "encoding", "begins", "dialect"), [each[1:] for each in DIALECTS], ids=[each[0] for each in DIALECTS]
)
def test_it_is_written_as_the_file_was(
    api: FlaskClient, stack: Stack, content: bytes, encoding: str, begins: bytes, dialect: dict[str, str]
) -> None:
    import_id = imported(api, content)
    deliver(stack)
    found = fetched(stack, import_id)
    assert found.startswith(begins)
    row = cells(found, encoding, **dialect)[1]
    assert row[:3] == ["nobody", cells(content, encoding, **dialect)[1][1], "email_invalid"]
    assert (b"\r\n" in found or b"\r\0\n" in found) == (b"\r\n" in content or b"\r\0\n" in content)


HOSTILE = [
    "=HYPERLINK(1)", "+33142685377", "-5", "-2+3", "@SUM(A1)", "\tcmd", "'=1+1", "''=x", "'tis", "O'Hara", "＝1",
]  # fmt: skip


def test_no_cell_runs_and_every_value_comes_back(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    made = io.StringIO()
    csv.writer(made).writerows([["=email", "email", "data.note"], *(["x", "nobody", each] for each in HOSTILE)])
    content = made.getvalue() + "x,ada@example.com,fine\r\n"
    import_id, rows = failed(api, stack, content)
    assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+-@\t\r＝")]
    again = cells(fetched(stack, import_id))
    corrected = [again[0], *([*row[:1], f"p{number}@example.com", *row[2:]] for number, row in enumerate(again[1:]))]
    sent = io.StringIO()
    csv.writer(sent).writerows(corrected)
    imported(api, sent.getvalue())
    deliver(stack)
    notes = {email: card["data"]["note"] for email, card in crisp.people().items()}
    direct = io.StringIO()
    csv.writer(direct).writerows(
        [["email", "data.note"], *([f"q{number}@example.com", each] for number, each in enumerate(HOSTILE))]
    )
    imported(api, direct.getvalue())
    deliver(stack)
    straight = {email: card["data"]["note"] for email, card in crisp.people().items() if email.startswith("q")}
    for number, _ in enumerate(HOSTILE):
        assert notes[f"p{number}@example.com"] == straight[f"q{number}@example.com"]


def test_corrected_it_is_recognised_and_only_those_are_sent(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    content = "Email,First name\nada@example.com,Ada\nbob-example.com,Bob\ncy@example.com,Cy\n"
    import_id, _ = failed(api, stack, content)
    before = crisp.calls
    corrected = fetched(stack, import_id).replace(b"bob-example.com", b"bob@example.com")
    shown = previewed(api, corrected)
    ours = {column["name"]: column["reason"] for column in shown["columns"] if column["name"] in WHY}
    assert set(ours) == set(WHY)
    assert all("failures" in reason for reason in ours.values())
    assert shown["totals"]["records"] == 1
    second = imported(api, corrected)
    deliver(stack)
    assert outcomes(api, second) == [(1, "created", None)]
    assert crisp.calls == before + 1


def test_a_short_row_removes_nothing_when_it_comes_back(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    known = imported(api, "email,data.plan,data.size\nbob@example.com,pro,9\n")
    deliver(stack)
    assert outcomes(api, known) == [(1, "created", None)]
    import_id, rows = failed(api, stack, "email,data.plan,data.size,city\nbob-example.com,\nada@b.co,pro,1,Rome\n")
    assert rows[1][:4] == ["bob-example.com", "", "N/A", ""], "what is empty removes, what is absent says nothing"
    imported(api, fetched(stack, import_id).replace(b"bob-", b"bob@"))
    deliver(stack)
    assert crisp.people()["bob@example.com"]["data"] == {"size": "9"}


def test_what_fails_again_has_one_reason(api: FlaskClient, stack: Stack) -> None:
    import_id, _ = failed(api, stack, "email,city\nnobody,Rome\nada@example.com,Bern\n")
    half = fetched(stack, import_id).decode().rstrip() + "\nbob@example.com,Oslo,,,\n"
    _, rows = failed(api, stack, half)
    assert rows[0] == ["email", "city", *WHY]
    assert [row[:3] for row in rows[1:]] == [["nobody", "Rome", "email_invalid"]]


def test_a_row_with_too_many_cells_keeps_them(api: FlaskClient, stack: Stack) -> None:
    import_id, rows = failed(api, stack, "email,city\nada@example.com,Rome,Italy\nbob@example.com,Bern\n")
    assert [*rows[1][:3], rows[1][-1]] == ["ada@example.com", "Rome", "row_malformed", "Italy"]
    again, rows = failed(api, stack, fetched(stack, import_id) + b"cy@example.com,Oslo\r\n")
    assert outcomes(api, again)[0] == (1, "rejected", "row_malformed"), "until somebody has seen to it"


def test_without_column_names_they_are_what_they_feed(api: FlaskClient, stack: Stack) -> None:
    _, rows = failed(api, stack, "ada@example.com,Ada\nnobody@,Bob\nbob@example.com,Bob\n")
    assert rows[0] == ["email", "2", *WHY]
    assert rows[1][:3] == ["nobody@", "Bob", "email_invalid"]


def test_it_changes_with_the_import(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    crisp.add("ada@example.com")
    import_id, rows = failed(api, stack, "email\nada@example.com\nbob@example.com\n", options={"mode": "create"})
    assert len(rows) == 2
    crisp.reset()
    api.post(f"{IMPORTS}/{import_id}/replay")
    deliver(stack)
    assert cells(fetched(stack, import_id)) == [["email", *WHY]]


def test_what_was_cancelled_is_there_with_its_reason(api: FlaskClient, stack: Stack) -> None:
    import_id = imported(api, "email\nada@example.com\n")
    api.post(f"{IMPORTS}/{import_id}/cancel")
    _, row = cells(fetched(stack, import_id))
    assert row[:2] == ["ada@example.com", "import_cancelled"]


def test_very_many_come_in_portions(api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.file_imports.failures._AT_ONCE", 10)
    rows = "".join(f"p{number}\n" if number % 3 else f"p{number}@example.com\n" for number in range(100))
    import_id = imported(api, f"email\n{rows}")
    assert [row[0] for row in cells(fetched(stack, import_id))[1:]] == [f"p{n}" for n in range(100) if n % 3]


def test_it_is_named_after_the_file(api: FlaskClient, stack: Stack) -> None:
    import_id = imported(api, "email\nada@example.com\n", "Kunden Mai; (2).v1.csv")
    for end in ("failures", "crisp"):
        answer = api.get(f"{IMPORTS}/{import_id}/{end}.csv")
        said = answer.headers["Content-Disposition"]
        assert said == f'attachment; filename="Kunden_Mai___2__v1-{end}.csv"'


def test_a_batch_has_no_file_to_be_like(api: FlaskClient, stack: Stack) -> None:
    import_id = api.post("/v1/contacts/batch", json=[{"email": "nobody"}]).get_json()["import_id"]
    problem(api.get(f"{IMPORTS}/{import_id}/failures.csv"), 409, "import_without_file")


def test_a_file_that_is_gone_is_told(api: FlaskClient, stack: Stack) -> None:
    import_id = imported(api, "email\nada@example.com\n")
    empty_store(stack)
    problem(api.get(f"{IMPORTS}/{import_id}/failures.csv"), 404, "file_forgotten")


def test_only_the_head_is_asked_for(api: FlaskClient, stack: Stack) -> None:
    import_id = imported(api, "email\nada@example.com\n")
    for end in ("failures.csv", "crisp.csv"):
        assert api.head(f"{IMPORTS}/{import_id}/{end}").status_code == 200


def people(crisp: Crisp) -> dict[str, dict[str, Any]]:
    """What Crisp has of everybody, without ids and times."""
    told = ("person", "company", "segments", "data")
    return {email: {key: card.get(key) for key in told} for email, card in crisp.people().items()}


class TestCrispReady:
    """The contacts of an import as Crisp's own Contacts page takes them."""

    CONTENT = (
        "Email,First name,Last name,Phone,Country,Company name,Segments,data.plan,data.score\n"
        "ADA@example.com,Ada,Lovelace,+33 1 42 68 53 77,France,Analytical Ltd,vip,pro,-5\n"
        "nobody,No,Body,,,,,,\n"
        "ada@example.com,,,,,,Gold Member|beta,,\n"
        "bob@example.com,Bob,,,Italy,,,=1+1,7\n"
    )

    def test_has_every_person_once_in_the_words_of_crisp(self, api: FlaskClient, stack: Stack) -> None:
        import_id = imported(api, self.CONTENT)
        rows = cells(fetched(stack, import_id, "crisp.csv"))
        head = ["email", "nickname", "phone", "country", "company name", "segments", "data.plan", "data.score"]
        assert rows[0] == head
        assert rows[1] == [
            "ada@example.com", "Ada Lovelace", "+33142685377", "FR", "Analytical Ltd", "vip|Gold Member|beta", "", "",
        ]  # fmt: skip
        assert rows[2] == ["bob@example.com", "Bob", "", "IT", "", "", "'=1+1", "7"]
        assert len(rows) == 3

    def test_is_the_same_when_all_is_delivered(self, api: FlaskClient, stack: Stack) -> None:
        import_id = imported(api, self.CONTENT)
        before = fetched(stack, import_id, "crisp.csv")
        deliver(stack)
        assert fetched(stack, import_id, "crisp.csv") == before

    def test_is_there_for_an_import_that_was_cancelled_for_it(self, api: FlaskClient, stack: Stack) -> None:
        import_id = imported(api, self.CONTENT)
        before = fetched(stack, import_id, "crisp.csv")
        api.post(f"{IMPORTS}/{import_id}/cancel")
        assert fetched(stack, import_id, "crisp.csv") == before

    def test_is_there_for_a_batch(self, api: FlaskClient, stack: Stack) -> None:
        import_id = api.post("/v1/contacts/batch", json=[{"email": "ada@example.com"}]).get_json()["import_id"]
        assert cells(fetched(stack, import_id, "crisp.csv")) == [["email"], ["ada@example.com"]]

    def test_has_nobody_where_all_were_rejected(self, api: FlaskClient, stack: Stack) -> None:
        import_id = api.post("/v1/contacts/batch", json=[{"email": "nobody"}]).get_json()["import_id"]
        assert cells(fetched(stack, import_id, "crisp.csv")) == [["email"]]

    def test_imported_elsewhere_gives_the_same_people(self, api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
        import_id = imported(api, self.CONTENT)
        deliver(stack)
        before, made = people(crisp), fetched(stack, import_id, "crisp.csv")
        stack.reset()
        imported(api, made)
        deliver(stack)
        assert people(crisp) == before
