"""What a column may be when its name does not say so: proposed with its reason, never applied; and its type."""

import tracemalloc

import pytest

from connector.files.matching import email_candidates
from connector.files.table import Cell
from tests.files.sheets import column, matched

PROPOSED = [
    pytest.param("Courriel pro", "ada@example.com", "email", "The values look like email addresses", id="emails"),
    pytest.param("Joindre", "06 39 98 10 24", "phone", "The values look like phone numbers", id="phones"),
    pytest.param("Lien", "https://ada.example", "website", "The values look like web addresses", id="addresses"),
    pytest.param("Tête", "https://img.example/a.png", "avatar", "The values look like addresses of pictures",
                 id="pictures"),
    pytest.param("Telefonn", "", "phone", "Its name is nearly a name of Phone", id="one-letter-more"),
    pytest.param("Emial", "", "email", "Its name is nearly a name of Email", id="two-letters-changed-places"),
    pytest.param("Contry", "France", "country", "Its name is nearly a name of Country", id="one-letter-less"),
    pytest.param("Ville actuelle", "Lyon", "city", "Its name has in it a name of City", id="begins-with-it"),
    pytest.param("ShippingCity", "Lyon", "city", "Its name has in it a name of City", id="in-camel-case"),
    pytest.param("County", "Kent", "region", "It may be this, but most often it is something else", id="county"),
    pytest.param("Username", "ada", "nickname", "It may be this, but most often it is something else", id="username"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "field", "reason"), PROPOSED)
def test_what_is_only_likely_is_proposed_and_never_applied(name: str, value: str, field: str, reason: str) -> None:
    found = matched(["Kontakt", name], ["x", value])
    proposed = column(found, name)
    assert (proposed.field, proposed.confidence, proposed.suggestion) == (None, "suggested", field)
    assert proposed.reason == f"{reason}; choose it yourself"
    assert found.mapping == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("Emial", "yes", id="near-email-without-addresses"),
        pytest.param("Email status", "ok", id="about-an-email"),
        pytest.param("Contact email owner", "robin@example.com", id="somebody-elses-email"),
        pytest.param("Manager phone ext", "12", id="somebody-elses"),
        pytest.param("Profile", "https://www.linkedin.com/in/ada", id="a-profile-is-no-site"),
        pytest.param("Server", "192.0.2.10", id="an-ip-address-is-no-phone"),
        pytest.param("Code", "10036-1234", id="a-postcode-is-no-phone"),
        pytest.param("Points", "7210448300000", id="a-number-is-no-phone"),
        pytest.param("Due", "2024-03-12", id="a-date-alone-is-of-no-use"),
        pytest.param("Middle name", "Grace", id="a-name-in-a-name"),
    ],
)
def test_what_is_not_likely_is_not_proposed(name: str, value: str) -> None:
    found = column(matched(["Kontakt", name], ["x", value]), name)
    assert (found.field, found.suggestion, found.confidence) == (None, None, "none")


def test_a_field_that_is_fed_is_not_proposed_again_but_another_email_is() -> None:
    found = matched("Email|City|Ville actuelle|Courriel pro", ["a@example.com", "Lyon", "Lyon", "b@example.com"])
    assert column(found, "Ville actuelle").suggestion is None
    assert column(found, "Courriel pro").suggestion == "email"
    assert dict(found.mapping) == {"email": ("Email",), "city": ("City",)}


KINDS: dict[str, list[Cell]] = {
    "email": ["ada@example.com", "Ada <ada@example.com>", "jörg@münchen.example"],
    "phone": ["+33 6 39 98 10 24", "'+12125550118", "(212) 555-0118", "0639981024", "0033639981024"],
    "url": ["https://a.example/x", "www.a.example", "samplesons.example"],
    "date": ["2024-03-12", "12/03/2024", "03/25/2024 09:14", "12 Mar 2024", "March 12, 2024 9:14 AM", "12.03.2024"],
    "number": [12, 0.5, "3,14", "1.234,50 €", "7210448300000", "00000"],
    "boolean": [True, "no", "Oui", "nein"],
    "list": ["a, b", "b, a", "a", "a, b"],
    "text": ["Ada", "O'Sample & Sons, Inc.", "2nd floor", "192.0.2.1"],
    "empty": ["", None, " ", "N/A", "-"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_type_of_a_column_is_found(kind: str) -> None:
    found = matched("Col|Other", *([value, "x"] for value in KINDS[kind]))
    assert column(found, "Col").kind == kind


def test_a_slip_of_the_pen_does_not_change_the_type() -> None:
    rows = [["a@example.com"]] * 9 + [["not an address"]]
    assert matched("Col", *rows).columns[0].kind == "email"
    assert matched("Col", *rows[:2], ["no"]).columns[0].kind == "text"


CANDIDATES = [
    pytest.param("Courriel pro|Ville", ["a@example.com", "Lyon"],
                 "Perhaps it is Courriel pro: its values look like email addresses. Name it in the mapping.",
                 id="values"),
    pytest.param("Emial|Ville", ["", "Lyon"], "Perhaps it is Emial: its name is near. Name it in the mapping.",
                 id="name"),
    pytest.param("Un|Username", ["a@example.com", "b@example.com"],
                 "Perhaps it is one of Un, Username. Name it in the mapping.", id="several"),
    pytest.param("Ville|Pays", ["Lyon", "France"],
                 "Its columns are Ville, Pays. Name in the mapping the one that holds email addresses.", id="none"),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "row", "sentence"), CANDIDATES)
def test_a_file_without_an_email_column_names_the_candidates(columns: str, row: list[Cell], sentence: str) -> None:
    assert email_candidates(matched(columns, row)) == sentence


def test_at_most_twenty_columns_are_named() -> None:
    sentence = email_candidates(matched([f"Spalte {number}" for number in range(1, 31)]))
    assert sentence.startswith("Its columns are Spalte 1, Spalte 2, ")
    assert "Spalte 20 and 10 more. Name" in sentence


def test_a_very_long_name_costs_no_memory() -> None:
    tracemalloc.start()
    try:
        matched(["Email", "x" * 20_000], ["a@x.com", "y"])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000
