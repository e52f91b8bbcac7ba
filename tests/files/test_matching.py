"""Matching columns: the samples, what a user gives, files without a header, custom data, and order."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.convert.keys import data_key
from connector.files.matching import fits, match, missing_columns
from connector.files.reading import read_table
from connector.files.table import Cell
from connector.manifest import shipped
from connector.mapping import UserMapping
from tests.files.sheets import SAMPLE_FILES, SAMPLES, column, expected, fields, matched, table

# Origin that a sample imitates → the export that it is recognised as, where that is another word.
EXPORTS = {
    "generic": None,
    "salesforce_dataloader.csv": "salesforce_dataloader",
    "salesforce_report.csv": "salesforce_report",
}


@pytest.mark.parametrize("file", SAMPLE_FILES)
def test_every_sample_is_matched_as_expected(file: str) -> None:
    with read_table(SAMPLES / file) as read:
        found = match(read, shipped(), list(islice(read.rows(), 200)))
        names = read.headers or read.columns
    got = {name.lstrip("\ufeff"): each.field for name, each in zip(names, found.columns, strict=True)}
    wanted = expected(file)["mapping"]
    assert got.keys() == wanted.keys()
    wrong = {name: (field, wanted[name]) for name, field in got.items() if not _is_right(field, wanted[name])}
    assert wrong == {}, "column: (got, wanted)"


def _is_right(field: str | None, wanted: object) -> bool:
    return field in wanted["any_of"] if isinstance(wanted, dict) else field == wanted


@pytest.mark.parametrize("file", SAMPLE_FILES)
def test_every_sample_tells_its_origin(file: str) -> None:
    with read_table(SAMPLES / file) as read:
        found = match(read, shipped(), list(islice(read.rows(), 200)))
    source = expected(file)["file"]["source"]
    assert found.export == EXPORTS.get(file, EXPORTS.get(source, source))


@pytest.mark.parametrize("file", SAMPLE_FILES)
def test_the_mapping_is_what_the_columns_say(file: str) -> None:
    with read_table(SAMPLES / file) as read:
        found = match(read, shipped(), list(islice(read.rows(), 200)))
    pairs = {(field, name) for field, names in found.mapping for name in names}
    assert pairs == {(each.field, each.name) for each in found.columns if each.field}
    assert all(each.reason and each.confidence in ("certain", "suggested", "none") for each in found.columns)
    assert all((each.confidence == "certain") == bool(each.field) for each in found.columns)
    assert all((each.confidence == "suggested") == bool(each.suggestion) for each in found.columns)


GIVEN: UserMapping = (("email", ("Courriel pro", "Email")), ("data.plan", ("Abo",)))


def test_what_is_given_wins_and_the_rest_is_matched_as_usual() -> None:
    found = matched("Email|Courriel pro|E-mail 2 Address|Prénom|Abo|data.plan", given=GIVEN)
    assert fields(found) == {
        "Email": "email",
        "Courriel pro": "email",
        "E-mail 2 Address": None,
        "Prénom": "first_name",
        "Abo": "data.plan",
        "data.plan": None,
    }
    assert found.mapping == (("email", ("Courriel pro", "Email")), ("first_name", ("Prénom",)), ("data.plan", ("Abo",)))
    assert column(found, "Abo").reason == "You chose it"
    assert column(found, "data.plan").reason == "You chose another column for this; ignored"


def test_what_is_given_wins_over_a_name_that_means_nothing_and_over_an_export() -> None:
    given: UserMapping = (("phone", ("Fax",)), ("segments", ("Lead Status",)), ("job_title", ("Salutation",)))
    found = matched("Record ID|Contact owner|Email|Phone Number|Fax|Lead Status|Salutation", given=given)
    assert found.export == "hubspot"
    assert dict(found.mapping) == {"email": ("Email",), **dict(given)}


@pytest.mark.parametrize("name", ["🏢 Company", "Company", "company", "COMPANY"])
def test_a_given_column_may_be_named_as_the_file_has_it_or_in_another_spelling(name: str) -> None:
    made = table("Email|Company")
    made = type(made)("csv", made.columns, made.rows, 1, headers=("Email", "🏢 Company"))
    found = match(made, shipped(), [], given=(("nickname", (name,)),))
    assert dict(found.mapping)["nickname"] == ("Company",)


def test_what_is_left_out_feeds_nothing_and_its_field_is_fed_by_the_others() -> None:
    given: UserMapping = (("ignored", ("Mobile Phone", "data.plan", "Town")), ("city", ("Town",)))
    found = matched("Email|Mobile Phone|Phone|data.plan|Town", given=given)
    names = {"Email": "email", "Mobile Phone": None, "Phone": "phone", "data.plan": None, "Town": None}
    assert fields(found) == names
    assert column(found, "Mobile Phone").reason == "You left it out"
    assert dict(found.mapping)["phone"] == ("Phone",)
    assert dict(found.mapping)["ignored"] == ("Mobile Phone", "data.plan", "Town")


def test_a_column_may_be_given_for_two_fields() -> None:
    found = matched("Email|Who", given=(("full_name", ("Who",)), ("nickname", ("Who",))))
    assert dict(found.mapping) == {"email": ("Email",), "full_name": ("Who",), "nickname": ("Who",)}


@pytest.mark.parametrize(
    ("mapping", "missing"),
    [
        ((("email", ("Email",)),), ()),
        ((("email", ("e-mail",)), ("phone", ("Mobile", "Tel"))), ()),
        ((("email", ("Email",)), ("phone", ("Mobile", "Fax"))), (("phone", "Fax"),)),
        ((("email", ("Mail",)), ("city", ("Town",))), (("email", "Mail"), ("city", "Town"))),
    ],
)
def test_a_mapping_fits_a_file_that_has_all_its_columns(
    mapping: UserMapping, missing: tuple[tuple[str, str], ...]
) -> None:
    made = table("Email|Mobile|Tel")
    assert missing_columns(mapping, made) == missing
    assert fits(mapping, made) == (not missing)


def test_an_empty_mapping_fits_no_file() -> None:
    assert not fits((), table("Email"))


def test_a_file_without_a_header_gives_its_email_and_proposes_the_rest() -> None:
    rows = [["Ada", "ada@example.com", "+33 6 39 98 10 24", "Paris"], ["Bo", "no address", "+33 6 39 98 10 25", "Rome"]]
    found = matched("1|2|3|4", *rows, header=False)
    assert fields(found) == {"1": None, "2": "email", "3": None, "4": None}
    assert found.mapping == (("email", ("2",)),)
    assert column(found, "3").suggestion == "phone"
    assert column(found, "1").suggested_key == "column_1"


def test_the_column_with_the_most_addresses_is_the_email_of_a_file_without_a_header() -> None:
    rows = [["ada@example.com", "owner@example.com"], ["", "owner@example.com"]]
    found = matched("1|2", *rows, header=False)
    assert fields(found) == {"1": None, "2": "email"}
    assert column(found, "1").suggestion == "email"


def test_numbers_are_names_where_there_is_no_header() -> None:
    given: UserMapping = (("email", ("2",)), ("full_name", ("1",)))
    assert matched("1|2|3", ["Ada", "a", "b@example.com"], given=given, header=False).mapping == given


def test_a_file_without_a_header_and_without_addresses_has_no_email() -> None:
    assert matched("1|2", ["Ada", "Paris"], header=False).mapping == ()
    assert matched("1|2", header=False).mapping == ()


def test_the_columns_of_a_failures_file_are_ignored() -> None:
    found = matched("Email|error_code|error_field|error_message")
    ours = [each for each in found.columns if each.field is None]
    assert [each.reason for each in ours] == ["Written by crisp-connector into failures files"] * 3
    assert [(each.suggestion, each.suggested_key) for each in ours] == [(None, None)] * 3


def test_one_of_those_names_alone_is_a_column_like_any_other() -> None:
    found = column(matched("Email|error_code"), "error_code")
    assert (found.reason, found.suggested_key) == ("Nothing matches; ignored", "error_code")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("data.plan", "data.plan"),
        ("data.Company Name", "data.company_name"),
        ("Data.MRR", "data.MRR"),
        ("data.is_subscribed?", "data.is_subscribed"),
        ("data.Téléphone 2", "data.telephone_2"),
        ("data.", None),
        ("data.??", None),
        ("data.email", "data.email"),
    ],
)
def test_data_key_columns_are_custom_data(name: str, field: str | None) -> None:
    found = matched(f"Email|{name}")
    assert column(found, name).field == field
    assert ("Crisp takes the key as" in column(found, name).reason) == (field not in (None, "data." + name[5:]))


def test_a_custom_data_key_has_one_column() -> None:
    found = matched("Email|data.plan|data.plan (2)|data.Plan!", ["a@example.com", "", "pro", "free"])
    assert fields(found) == {"Email": "email", "data.plan": "data.plan", "data.plan (2)": None, "data.Plan!": None}
    assert column(found, "data.plan (2)").reason == "Another column gives the custom data plan; ignored"


def test_a_key_is_proposed_for_what_feeds_nothing() -> None:
    found = matched("Email|Lead Status|lead status!|Größe (cm)|Points|???|data.points")
    keys = {each.name: each.suggested_key for each in found.columns}
    assert keys == {
        "Email": None,
        "Lead Status": "lead_status",
        "lead status!": "lead_status_2",
        "Größe (cm)": "grosse_cm",
        "Points": "Points",
        "???": None,
        "data.points": None,
    }


ORDER = [
    pytest.param("Phone|Mobile|Tel 2|Tel", "phone", "Mobile|Phone|Tel|Tel 2", id="mobile-first-then-the-lowest-number"),
    pytest.param("Home phone|Work phone|Cell", "phone", "Cell|Work phone|Home phone", id="mobile-work-home"),
    pytest.param("Email - Other|Email - Home|Email - Work", "email",
                 "Email - Work|Email - Home|Email - Other", id="emails"),
    pytest.param("Work email|Email", "email", "Email|Work email", id="the-one-without-a-place"),
    pytest.param("E-mail 3 - Value|E-mail 2 - Value|E-mail 1 - Value", "email",
                 "E-mail 1 - Value|E-mail 2 - Value|E-mail 3 - Value", id="the-lowest-number"),
    pytest.param("Email|Email (2)", "email", "Email|Email (2)", id="one-name-twice"),
    pytest.param("Email|Ville|City", "city", "Ville|City", id="as-they-stand"),
    pytest.param("Email|Customer ID|Default Address Company|Default Address Phone|Phone", "phone",
                 "Phone|Default Address Phone", id="shopify"),
    pytest.param("Name|Phone - Home|Phone - Work|Phone - Mobile|Email - Home|Email - Work", "phone",
                 "Phone - Mobile|Phone - Work|Phone - Home", id="pipedrive"),
    pytest.param("E-mail Address|E-mail 2 Address|Primary Phone|Home Phone|Mobile Phone|Business Phone", "phone",
                 "Mobile Phone|Primary Phone|Business Phone|Home Phone", id="outlook"),
    pytest.param("Email|Twitter|Mobile phone|Work phone", "phone", "Work phone|Mobile phone", id="freshdesk"),
    pytest.param("email|external_id|restriction|notes|details", "notepad", "details|notes", id="zendesk"),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "field", "order"), ORDER)
def test_several_columns_of_one_field_stand_in_order(columns: str, field: str, order: str) -> None:
    assert dict(matched(columns).mapping)[field] == tuple(order.split("|"))


def test_samples_are_the_first_five_different_values_as_text() -> None:
    rows = [[each] for each in (1.0, "", "b", "b", True, "c" * 200, "d", "e")]
    assert matched("Col", *rows).columns[0].samples == ("1", "b", "true", "c" * 99 + "…", "d")


def test_rows_that_are_short_or_malformed_do_not_confuse() -> None:
    made = table("Email|Phone|Tags", ["a@example.com"], ["b@example.com", None, "vip"])
    malformed = next(made.rows())._replace(cells=("x", "y", "z", "+33639981024"), code="row_malformed")
    found = match(made, shipped(), [malformed, *made.rows()])
    assert [each.samples for each in found.columns] == [("a@example.com", "b@example.com"), (), ("vip",)]


@given(
    st.lists(st.text(max_size=20), unique=True, max_size=5),
    st.lists(st.lists(st.text(max_size=30) | st.integers() | st.floats() | st.booleans() | st.none()), max_size=5),
    st.booleans(),
)
def test_whatever_stands_in_a_file_it_is_matched(columns: list[str], rows: list[list[Cell]], header: bool) -> None:
    found = matched(columns, *rows, header=header)
    assert [each.name for each in found.columns] == columns
    keys = [each.suggested_key for each in found.columns if each.suggested_key]
    assert len(set(keys)) == len(keys)
    assert all(data_key(key) == key for key in keys)


def test_a_file_without_columns_is_matched_too() -> None:
    assert matched([]).columns == ()
