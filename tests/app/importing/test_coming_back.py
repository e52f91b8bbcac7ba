"""Rows that failed come back: what the whole file showed of them is known, whatever the few show."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.app.files import PREVIEW, deliver, fetched, imported, outcomes, previewed, send
from tests.app.stack import Crisp, Stack


def corrected(api: FlaskClient, stack: Stack, content: str, wrong: str, right: str, **more: Any) -> dict[str, Any]:
    """What Crisp has of somebody whose row failed and was corrected."""
    import_id = imported(api, content, **more)
    deliver(stack)
    failures = fetched(stack, import_id).decode()
    assert wrong in failures
    again = imported(api, failures.replace(wrong, right))
    deliver(stack)
    assert {status for _, status, _ in outcomes(api, again)} == {"created"}
    found: dict[str, Any] = stack.crisp.people()[right]
    return found


def test_by_the_mapping_that_was_given(api: FlaskClient, stack: Stack) -> None:
    content = "Kontakt,Wohnt in\nada@example.com,Rome\nbob-example.com,Bern\n"
    mapping = {"email": "Kontakt", "city": "Wohnt in"}
    found = corrected(api, stack, content, "bob-example.com", "bob@example.com", mapping=mapping)
    assert found["person"]["geolocation"]["city"] == "Bern"


def test_by_what_the_columns_of_the_whole_file_hold(api: FlaskClient, stack: Stack) -> None:
    """Segments that differ in every row of the few are segments all the same."""
    good = "".join(f"g{n}@example.com,{'red' if n % 2 else 'blue'}\n" for n in range(40))
    bad = "".join(f"b{n}-example.com,tag{n}\n" for n in range(12))
    import_id = imported(api, f"Email,Tags\n{good}{bad}")
    deliver(stack)
    imported(api, fetched(stack, import_id).replace(b"-example", b"@example"))
    deliver(stack)
    assert stack.crisp.people()["b3@example.com"]["segments"] == ["tag3"]


def test_by_its_country_and_its_order_of_days_and_months(api: FlaskClient, stack: Stack) -> None:
    head, fine = "Email,Phone,Last active,data.n\n", "ada@example.com,0142685300,25/04/2024,1\n"
    wrong = "bob-example.com,0142685377,03/04/2024,2\n"
    mapping = {"email": "Email", "phone": "Phone", "last_active": "Last active"}
    import_id = imported(api, head + fine + wrong, options={"country": "FR"}, mapping=mapping)
    deliver(stack)
    sent = fetched(stack, import_id).replace(b"bob-example", b"bob@example")
    [shown] = previewed(api, sent)["contacts"]
    assert shown["contact"]["phone"] == "+33142685377"
    assert shown["contact"]["last_active"].startswith("2024-04-03")


def test_it_is_told(api: FlaskClient, stack: Stack) -> None:
    import_id = imported(api, "email,city\nada@example.com,Rome\nbob,Bern\n", "people.csv")
    deliver(stack)
    notes = previewed(api, fetched(stack, import_id).replace(b"bob", b"bob@example.com"))["notes"]
    assert ("read_as_before", True) in [(each["code"], "people.csv" in each["message"]) for each in notes]


def test_a_title_above_rows_without_column_names_stays_a_title(api: FlaskClient, stack: Stack) -> None:
    import_id = imported(api, "My contacts 2024\n\nada@example.com,Ada\nnot-an-address,Bob\n", mapping={"email": "1"})
    deliver(stack)
    assert b"not-an-address,Bob" in fetched(stack, import_id)
    assert b"ada@example.com" not in fetched(stack, import_id)


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("within", ["\r", "\n", "\r\n"], ids=["CR", "LF", "CRLF"])
def test_a_line_end_in_a_cell_ends_no_row(api: FlaskClient, stack: Stack, crisp: Crisp, end: str, within: str) -> None:
    content = end.join(["email,data.note,city", f'bob-example.com,"one{within}two",Paris', "ada@b.co,x,Rome", ""])
    found = corrected(api, stack, content, "bob-example.com", "bob@example.com")
    assert found["data"]["note"].split() == ["one", "two"]
    assert found["person"]["geolocation"]["city"] == "Paris"
    assert len(crisp.people()) == 2


def test_a_saved_mapping_by_numbers_is_not_taken_by_itself(api: FlaskClient) -> None:
    assert api.put("/v1/mappings/numbers", json={"email": "3", "city": "1"}).status_code in (200, 201)
    content = "ada@example.com,Ada,boss@example.com\nbob@example.com,Bob,boss@example.com\n"
    named = previewed(api, content, mapping="numbers")
    assert named["mapping"]["email"] == ["3"]
    answer = send(api, content, to=PREVIEW)
    assert answer.get_json().get("saved_mapping") is None
    assert answer.get_json().get("mapping", {}).get("email") != ["3"]
