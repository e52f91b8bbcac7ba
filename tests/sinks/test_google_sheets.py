"""Google Sheets as a destination: what stands in the sheet after events were written, over real HTTP."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from connector.errors import Problem
from connector.hooks.egress import Egress
from connector.sandbox.sheets import SPREADSHEET
from connector.sinks import google_sheets
from connector.sinks.base import Broken, Later, Refused, Sink, Stopped
from connector.sinks.google import api as google_api
from tests.sinks.google import CLIENT_EMAIL, REFRESH_TOKEN, Google, options, service_account, told

Opened = Callable[..., Sink]

ADA: dict[str, Any] = {"nickname": "Ada Lovelace", "city": "London", "segments": ["vip", "beta"]}
EGRESS = Egress()
REFRESHING = json.dumps(REFRESH_TOKEN)
CHANGED = "conversation_data_changed"


class TestAppending:
    """A row for each event."""

    def test_an_empty_sheet_gets_a_header_row_by_the_fields_labels(self, sheets: Google, opened: Opened) -> None:
        opened().write([told(**ADA, data={"plan": "pro"})])
        header, row = sheets.rows()
        assert header == [
            *("Email", "Nickname", "Phone", "Company", "Job Title", "City", "Country", "Segments"),
            "data.plan",
        ]
        assert row == ["ada@example.com", "Ada Lovelace", "", "", "", "London", "", "vip, beta", "pro"]

    def test_an_empty_sheet_gets_the_columns_that_the_user_named(self, sheets: Google, opened: Opened) -> None:
        opened(columns=["E-mail", "Prénom", "data.plan"]).write([told(**ADA, data={"plan": "pro", "age": 3})])
        assert sheets.rows() == [["E-mail", "Prénom", "data.plan"], ["ada@example.com", "Ada", "pro"]]

    def test_columns_are_found_by_their_names_in_any_language(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Nachname", "Ville", "E-Mail-Adresse", "Tags", "Mobile", "DATA.plan", "Shoe size", "event_id"])
        opened().write([told(**ADA, phone="+33612345678", data={"plan": "pro"}, id="e7")])
        expected = ["Lovelace", "London", "ada@example.com", "vip, beta", "+33612345678", "pro", "", "e7"]
        assert sheets.rows()[1] == expected

    def test_each_event_is_a_row(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["event", "email", "occurred_at"])
        sink = opened()
        sink.write([told(), told("bo@example.com")])
        sink.write([told(event="contact_updated")])
        time = "2026-03-01T12:00:00.000Z"
        assert sheets.rows()[1:] == [
            ["contact_created", "ada@example.com", time],
            ["contact_created", "bo@example.com", time],
            ["contact_updated", "ada@example.com", time],
        ]

    def test_a_batch_is_one_write(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email"])
        opened().write([told(f"{number}@example.com") for number in range(50)])
        assert len(sheets.rows()) == 51
        assert sheets.calls()["insert"] == 1

    def test_only_the_columns_that_the_user_named_are_filled(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "City", "Name"])
        opened(columns=["email", "full_name"]).write([told(**ADA)])
        assert sheets.rows()[1] == ["ada@example.com", "", "Ada Lovelace"]

    def test_a_contact_without_an_email_has_a_row_too(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "Phone"])
        opened().write([told(None, phone="+33612345678")])
        assert sheets.rows()[1] == ["", "+33612345678"]

    def test_new_rows_go_below_the_last_one_and_what_stands_there_moves_down(
        self, sheets: Google, opened: Opened
    ) -> None:
        sheets.fill(["Email", "Shoe size"], ["bo@example.com"], [], ["", "Total"], ["", 1])
        opened().write([told(), told("cy@example.com")])
        expected = [["bo@example.com"], ["ada@example.com"], ["cy@example.com"], [], ["", "Total"], ["", 1]]
        assert sheets.rows()[1:] == expected

    @pytest.mark.parametrize("mode", ["append", "upsert"])
    @pytest.mark.parametrize(
        "rows",
        [
            pytest.param([["", "Email", "City"]], id="nothing in A"),
            pytest.param([["", "Email", "City"], ["note"], ["note"]], id="cells in A"),
            pytest.param([["Note", "", "Email", "City"]], id="a gap"),
            pytest.param([["Email", "", "City"], ["", 7]], id="a gap with cells"),
            pytest.param([["", " ", "Email", "", "City", ""], [1, 2, "", 3]], id="several gaps"),
        ],
    )
    def test_rows_are_in_their_columns_whatever_the_header_looks_like(
        self, sheets: Google, opened: Opened, mode: str, rows: list[list[Any]]
    ) -> None:
        sheets.fill(*rows)
        emails = [f"p{number}@example.com" for number in range(4)]
        for pair in (emails[:2], emails[2:]):
            sink = opened(mode=mode)
            for email in pair:
                sink.write([told(email, city="Oslo")])
        written = [row for row in sheets.rows()[1:] if "Oslo" in row]
        assert [row[rows[0].index("Email")] for row in written] == emails
        assert {row.index("Oslo") for row in written} == {rows[0].index("City")}
        assert len(sheets.rows()) == len(rows) + 4, "nothing is written over"

    def test_a_sheet_without_a_row_below_its_header_gets_one(self, sheets: Google, opened: Opened) -> None:
        sheets.switch(grids={"Sheet1": [["Email"]]}, limits={"Sheet1": [1, 1]})
        sink = opened()
        for email in ("ada@x.co", "bo@x.co"):
            sink.write([told(email)])
        assert sheets.rows()[1:] == [["ada@x.co"], ["bo@x.co"]]

    def test_a_sheet_may_have_been_made_anew_under_another_title(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email"], title="Contacts")
        sink = opened()
        sink.write([told()])
        sheets.fill(["Email"], title="People")
        sink.write([told()])
        assert sheets.rows("People")[1:] == [["ada@example.com"]]

    def test_a_process_that_is_to_end_writes_nothing_more(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email"])
        with pytest.raises(Stopped):
            opened(wait=lambda _: True).write([told()])
        assert sheets.rows() == [["Email"]]


class TestValues:
    """What a cell holds."""

    @pytest.mark.parametrize("name", ["=1+1", "+1", "@SUM(A1)", "-1", "'quoted", '=IMPORTXML("https://example.com")'])
    def test_a_formula_stays_text(self, sheets: Google, opened: Opened, name: str) -> None:
        sheets.fill(["Email", "Nickname"])
        opened().write([told(nickname=name)])
        assert sheets.rows()[1][1] == name

    @pytest.mark.parametrize(
        ("value", "cell"),
        [
            (3, 3),
            (2.5, 2.5),
            (True, True),
            (0, 0),
            (False, False),
            (12345678901234567890, "12345678901234567890"),
            ("001", "001"),
            (["a", "b"], '["a", "b"]'),
            ("é" * 60_000, "é" * 49_999 + "…"),
        ],
    )
    def test_custom_data_keep_their_kind(self, sheets: Google, opened: Opened, value: Any, cell: Any) -> None:
        sheets.fill(["Email", "data.it"])
        opened().write([told(data={"it": value})])
        assert sheets.rows()[1][1] == cell
        assert type(sheets.rows()[1][1]) is type(cell)

    def test_a_conversations_data_are_newer_than_the_contacts(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "data.plan", "data.age"])
        opened().write([told(event=CHANGED, data={"plan": "free", "age": 3}, conversation={"plan": "pro"})])
        assert sheets.rows()[1] == ["ada@example.com", "pro", 3]


class TestUpdating:
    """One row per contact."""

    def test_rows_that_go_in_above_move_nobodys_change_to_another(self, sheets: Google, opened: Opened) -> None:
        """Google takes an empty row for the end of the table, and new rows in there."""
        sheets.fill(["Email", "City"], ["a@x.co", "A"], [], ["c@x.co", "C"], ["d@x.co", "D"])
        opened(mode="upsert").write([told("new@x.co", city="N"), told("d@x.co", city="D2")])
        found = {row[0]: row[1] for row in sheets.rows()[1:] if row}
        assert (found["c@x.co"], found["d@x.co"], found["new@x.co"]) == ("C", "D2", "N")

    def test_the_row_of_the_email_is_changed(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "data.plan"], ["bo@example.com", "free"], ["ada@example.com", "free"])
        opened(mode="upsert").write([told(event=CHANGED, data={"plan": "pro"})])
        assert sheets.rows() == [["Email", "data.plan"], ["bo@example.com", "free"], ["ada@example.com", "pro"]]

    def test_who_has_no_row_gets_one(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "data.plan"], ["bo@example.com", "free"])
        opened(mode="upsert").write([told(event=CHANGED, data={"plan": "pro"})])
        assert sheets.rows()[2] == ["ada@example.com", "pro"]

    def test_the_email_is_compared_without_case_and_stays_as_it_was_spelt(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "City"], [" Ada@Example.com", ""])
        opened(mode="upsert").write([told(**ADA)])
        assert sheets.rows()[1:] == [[" Ada@Example.com", "London"]]

    def test_cells_that_are_no_fields_stay(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["My note", "Email", "City", "Score"], ["call her", "ada@example.com", "Paris", 7])
        opened(mode="upsert").write([told(**ADA)])
        assert sheets.rows()[1] == ["call her", "ada@example.com", "London", 7]

    def test_a_value_that_is_gone_is_emptied_only_when_it_changed(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "City", "Phone", "Tags", "Name"], ["ada@example.com", "Paris", "+331", "vip", "Ada"])
        opened(mode="upsert").write([told(event="contact_updated", changed=["city", "segments", "nickname"])])
        assert sheets.rows()[1] == ["ada@example.com", "", "+331"]

    def test_of_two_events_of_one_person_the_later_wins(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "City", "Phone"], ["ada@example.com", "", ""])
        batch = [told(city="Paris", phone="+331"), told(event="contact_updated", city="London", partial=True)]
        opened(mode="upsert").write(batch)
        assert sheets.rows()[1:] == [["ada@example.com", "London", "+331"]]
        assert "insert" not in sheets.calls()

    def test_a_new_contact_and_its_change_in_one_batch_are_one_row(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "data.plan"])
        batch = [told(), told("bo@example.com"), told("ADA@example.com", CHANGED, conversation={"plan": "pro"})]
        opened(mode="upsert").write(batch)
        assert sheets.rows()[1:] == [["ADA@example.com", "pro"], ["bo@example.com"]]

    def test_many_changes_are_one_write(self, sheets: Google, opened: Opened) -> None:
        people = [f"{number}@example.com" for number in range(40)]
        sheets.fill(["Email", "City"], *([each, ""] for each in people))
        opened(mode="upsert").write([told(each, city="London") for each in [*people, "new@example.com"]])
        assert {row[1] for row in sheets.rows()[1:]} == {"London"}
        assert (sheets.calls()["batchUpdate"], sheets.calls()["insert"]) == (1, 1)

    def test_a_contact_whose_email_changed_keeps_its_row(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "City"], ["old@example.com", "Paris"])
        sink = opened(mode="upsert")
        sink.write([told("new@example.com", "contact_updated", previous={"email": "old@example.com"})])
        sink.write([told("new@example.com", "contact_updated", city="Rome")])
        assert sheets.rows()[1:] == [["new@example.com", "Rome"]]

    def test_a_conversation_that_goes_to_another_email_does_not_take_the_row(
        self, sheets: Google, opened: Opened
    ) -> None:
        sheets.fill(["Email"], ["old@example.com"])
        event = told("new@example.com", "conversation_email_changed", previous={"email": "old@example.com"})
        opened(mode="upsert").write([event])
        assert sheets.rows()[1:] == [["old@example.com"], ["new@example.com"]]

    def test_a_contact_without_an_email_is_left_out(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "City"])
        opened(mode="upsert").write([told(None, city="Oslo"), told(city="Paris")])
        assert sheets.rows()[1:] == [["ada@example.com", "Paris"]]

    def test_the_key_column_may_have_any_name(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "CRM key"], ["x", "ada@example.com"])
        sink = opened(mode="upsert", key_column="crm KEY")
        sink.write([told(), told("bo@example.com")])
        assert sheets.rows()[1:] == [["ada@example.com", "ada@example.com"], ["bo@example.com", "bo@example.com"]]

    @pytest.mark.parametrize(
        ("more", "header"),
        [
            ({"key_column": "CRM key"}, "CRM key"),
            ({"columns": ["City"]}, "Email"),
            ({"columns": ["City"], "key_column": "CRM key"}, "CRM key"),
        ],
    )
    def test_a_new_header_row_has_the_key_column_first(
        self, sheets: Google, opened: Opened, more: dict[str, Any], header: str
    ) -> None:
        opened(mode="upsert", **more).write([told()])
        rows = sheets.rows()
        assert (rows[0][0], rows[1][0]) == (header, "ada@example.com")
        assert "Email" not in rows[0][1:]

    def test_a_sheet_may_have_any_title(self, sheets: Google, opened: Opened) -> None:
        title = "Léa's leads / 2026?#1!"
        sheets.fill(["Email", "City"], ["bo@example.com", ""], title=title)
        opened(mode="upsert", sheet=title).write([told(), told("bo@example.com", city="Oslo")])
        assert sheets.rows(title) == [["Email", "City"], ["bo@example.com", "Oslo"], ["ada@example.com"]]

    def test_of_two_rows_of_one_person_the_upper_counts(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "City"], ["ada@example.com", ""], ["ada@example.com", ""])
        opened(mode="upsert").write([told(**ADA)])
        assert sheets.rows()[1:] == [["ada@example.com", "London"], ["ada@example.com"]]


class TestRememberingRows:
    """The key column is read once, and again when it is not as it was."""

    def test_it_is_read_once(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "City"], ["ada@example.com", ""])
        sink = opened(mode="upsert")
        sink.write([told(city="Paris")])
        before = sheets.calls()["batchGet"]
        for number in range(3):
            sink.write([told(city=f"Rome {number}"), told(f"{number}@example.com")])
        assert sheets.calls()["batchGet"] - before == 3, "one look whether all is as it was, for each batch"
        assert sheets.rows()[1:] == [
            ["ada@example.com", "Rome 2"],
            ["0@example.com"],
            ["1@example.com"],
            ["2@example.com"],
        ]

    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            pytest.param(
                [["Email", "City"], ["new@x.example", "a"], ["ada@example.com", "b"], ["bo@example.com", "c"]],
                [["new@x.example", "a"], ["ada@example.com", "Rome"], ["bo@example.com", "c"]],
                id="a row came between",
            ),
            pytest.param(
                [["Email", "City"], ["bo@example.com", "c"]],
                [["bo@example.com", "c"], ["ada@example.com", "Rome"]],
                id="the row was deleted",
            ),
            pytest.param(
                [["Email", "City"], ["bo@example.com", "c"], ["ada@example.com", "b"]],
                [["bo@example.com", "c"], ["ada@example.com", "Rome"]],
                id="rows were sorted",
            ),
            pytest.param(
                [["City", "Email"], ["b", "ada@example.com"], ["c", "bo@example.com"]],
                [["Rome", "ada@example.com"], ["c", "bo@example.com"]],
                id="columns were moved",
            ),
            pytest.param([], [["ada@example.com", "Rome"]], id="the sheet was emptied"),
        ],
    )
    def test_a_row_that_went_elsewhere_is_found_again(
        self, sheets: Google, opened: Opened, rows: list[list[Any]], expected: list[list[Any]]
    ) -> None:
        sheets.fill(["Email", "City"], ["ada@example.com", "b"], ["bo@example.com", "c"])
        sink = opened(mode="upsert", columns=["Email", "City"])
        sink.write([told(city="Paris")])
        sheets.fill(*rows)
        sink.write([told(city="Rome")])
        assert sheets.rows()[1:] == expected

    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            pytest.param(
                [["Email", "City", "Phone"], ["bo@example.com"], ["ada@example.com"], ["cy@example.com"]],
                [["bo@example.com"], ["ada@example.com", "Rome", "+39"], ["cy@example.com"]],
                id="other rows",
            ),
            pytest.param(
                [["Email", "Phone", "City"], ["ada@example.com"], ["bo@example.com"], ["cy@example.com"]],
                [["ada@example.com", "+39", "Rome"], ["bo@example.com"], ["cy@example.com"]],
                id="other columns",
            ),
        ],
    )
    def test_what_changed_places_above_the_last_row_is_found_again(
        self, sheets: Google, opened: Opened, rows: list[list[Any]], expected: list[list[Any]]
    ) -> None:
        sheets.fill(["Email", "City", "Phone"], ["ada@example.com"], ["bo@example.com"], ["cy@example.com"])
        sink = opened(mode="upsert")
        sink.write([told(city="Paris")])
        sheets.fill(*rows)
        sink.write([told(city="Rome", phone="+39")])
        assert sheets.rows()[1:] == expected

    def test_a_row_that_somebody_added_below_is_not_doubled(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "City"])
        first, second = opened(mode="upsert"), opened(mode="upsert")
        first.write([told()])
        second.write([told("bo@example.com")])
        first.write([told("bo@example.com", city="Oslo")])
        second.write([told("cy@example.com"), told(city="Paris")])
        first.write([told("cy@example.com", city="Rome")])
        assert sheets.rows()[1:] == [
            ["ada@example.com", "Paris"],
            ["bo@example.com", "Oslo"],
            ["cy@example.com", "Rome"],
        ]

    def test_a_sheet_that_became_shorter_is_read_again(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "City"], ["bo@example.com", ""], ["ada@example.com", ""])
        sink = opened(mode="upsert")
        sink.write([told(city="Paris")])
        sheets.switch(grids={"Sheet1": [["Email", "City"], ["ada@example.com", ""]]}, limits={"Sheet1": [2, 26]})
        sink.write([told(city="Rome")])
        assert sheets.rows()[1:] == [["ada@example.com", "Rome"]]

    def test_rows_whose_addresses_are_too_many_are_looked_for_in_the_whole_column(
        self, sheets: Google, opened: Opened
    ) -> None:
        people, title = [f"{number}@example.com" for number in range(90)], "Ł" * 100
        sheets.fill(["Email", "City"], *([each, ""] for each in people), title=title)
        sink = opened(mode="upsert", sheet=title)
        for city in ("Paris", "Rome"):
            sink.write([told(each, city=city) for each in people])
        assert sheets.rows(title)[1:] == [[each, "Rome"] for each in people]
        assert sheets.calls()["batchGet"] == 4

    def test_nothing_to_write_is_nothing_to_ask(self, sheets: Google, opened: Opened) -> None:
        for mode in ("append", "upsert"):
            opened(mode=mode).write([])
        assert sheets.calls() == {}

    def test_two_threads_do_not_double_a_row(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "City"])
        sink = opened(mode="upsert")
        threads = [threading.Thread(target=sink.write, args=([told()],)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sheets.rows()[1:] == [["ada@example.com"]]


class TestDoubt:
    """An answer got lost: what was asked for may have been done."""

    @pytest.mark.parametrize("mode", ["append", "upsert"])
    @pytest.mark.parametrize("anew", [False, True], ids=["same process", "new process"])
    def test_a_row_is_not_doubled(self, sheets: Google, opened: Opened, mode: str, anew: bool) -> None:
        sheets.fill(["Email", "City"], ["bo@example.com", "Oslo"])
        sink, batch = opened(mode=mode), [told(**ADA), told("cy@example.com")]
        sheets.fail(503, route="insert", after=True)
        with pytest.raises(Later):
            sink.write(batch)
        (opened(mode=mode) if anew else sink).write(batch)
        assert sheets.rows()[1:] == [["bo@example.com", "Oslo"], ["ada@example.com", "London"], ["cy@example.com"]]

    def test_a_change_of_email_whose_answer_got_lost_is_one_row(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "City"], ["old@example.com", "Oslo"], ["bo@example.com", ""])
        sink = opened(mode="upsert")
        sink.write([told("old@example.com", city="Rome")])
        batch = [told("new@example.com", "contact_updated", previous={"email": "old@example.com"}), told(**ADA)]
        sheets.fail(503, route="batchUpdate", after=True)
        with pytest.raises(Later):
            sink.write(batch)
        sink.write(batch)
        assert sheets.rows()[1:] == [["new@example.com", "Rome"], ["bo@example.com"], ["ada@example.com", "London"]]

    def test_lost_ones_may_come_again_one_by_one_and_with_others(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email"])
        sink = opened()
        sink.write([told("bo@example.com")])
        sheets.fail(500, route="insert", after=True)
        with pytest.raises(Later):
            sink.write([told(), told("cy@example.com")])
        sink.write([told("di@example.com"), told()])
        sink.write([told("cy@example.com"), told()])
        assert [row[0][:2] for row in sheets.rows()[1:]] == ["bo", "ad", "cy", "di", "ad"]

    def test_the_same_person_twice_is_two_rows_when_nothing_is_in_doubt(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email"])
        sink = opened()
        sink.write([told(), told()])
        sink.write([told()])
        assert sheets.rows()[1:] == [["ada@example.com"]] * 3

    def test_with_event_ids_the_same_contact_is_told_apart(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email", "event_id"], ["ada@example.com", "e1"])
        opened().write([told(id="e2")])
        assert sheets.rows()[1:] == [["ada@example.com", "e1"], ["ada@example.com", "e2"]]

    def test_a_header_row_whose_answer_got_lost_is_there_once(self, sheets: Google, opened: Opened) -> None:
        sink = opened(columns=["Email"])
        sheets.fail(503, route="batchUpdate", after=True)
        with pytest.raises(Later):
            sink.write([told()])
        sink.write([told()])
        assert sheets.rows() == [["Email"], ["ada@example.com"]]


class TestRefusals:
    """What Google says, and what that means."""

    @pytest.mark.parametrize(
        ("status", "more", "seconds"),
        [
            (429, {}, 60),
            (429, {"retry_after": "7"}, 7),
            (429, {"retry_after": "999999"}, 3_600),
            (429, {"retry_after": "soon"}, 60),
            (429, {"retry_after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 1),
            (500, {}, 30),
            (503, {"retry_after": "120"}, 120),
            (302, {}, 30),
        ],
    )
    @pytest.mark.parametrize("route", ["batchGet", "insert"])
    def test_what_passes_is_tried_later(
        self, sheets: Google, opened: Opened, route: str, status: int, more: dict[str, Any], seconds: float
    ) -> None:
        sheets.fill(["Email"])
        sink = opened()
        sheets.fail(status, route=route, **more)
        with pytest.raises(Later) as later:
            sink.write([told()])
        assert later.value.seconds == seconds
        sink.write([told()])
        assert sheets.rows()[1:] == [["ada@example.com"]]

    def test_nobody_listening_is_tried_later(self, opened: Opened) -> None:
        sink = google_sheets.open_sink(
            google_sheets.check(options(), service_account()), service_account(), EGRESS, address="http://127.0.0.1:1"
        )
        with pytest.raises(Later, match=r"cannot be reached just now\.$"):
            sink.write([told()])

    def test_a_sheet_that_is_not_shared_says_with_whom(self, sheets: Google, opened: Opened) -> None:
        sheets.switch(shared=False)
        with pytest.raises(Broken, match=f"Share the sheet with {CLIENT_EMAIL} as an editor"):
            opened().write([told()])

    def test_a_refresh_tokens_account_is_not_known(self, sheets: Google, opened: Opened) -> None:
        sheets.switch(shared=False)
        with pytest.raises(Broken, match="Google account that the refresh token is of"):
            opened(REFRESHING).write([told()])

    @pytest.mark.parametrize(
        ("status", "more", "words"),
        [
            (403, {"reason": "SERVICE_DISABLED"}, "API is not enabled"),
            (403, {"reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}, "scope"),
            (400, {"name": "FAILED_PRECONDITION"}, "no Google Sheet"),
            (404, {}, "no spreadsheet of this ID"),
        ],
    )
    def test_what_the_user_must_put_right(
        self, sheets: Google, opened: Opened, status: int, more: dict[str, Any], words: str
    ) -> None:
        sheets.fail(status, route="batchGet", **more)
        with pytest.raises(Broken, match=words):
            opened().write([told()])

    @pytest.mark.parametrize("mode", ["append", "upsert"])
    def test_another_spreadsheet_is_not_there(self, sheets: Google, opened: Opened, mode: str) -> None:
        with pytest.raises(Broken, match="no spreadsheet of this ID"):
            opened(mode=mode, spreadsheet="x" * 44).write([told()])

    @pytest.mark.parametrize("mode", ["append", "upsert"])
    def test_a_sheet_that_is_gone_is_told(self, sheets: Google, opened: Opened, mode: str) -> None:
        sheets.fill(["Email"], title="Contacts")
        sink = opened(mode=mode, sheet="Contacts")
        sink.write([told()])
        sheets.fill(["Email"], title="Leads")
        with pytest.raises(Broken, match="no sheet of this title"):
            sink.write([told("bo@example.com")])

    @pytest.mark.parametrize("status", [400, 403])
    @pytest.mark.parametrize(
        ("said", "words"),
        [
            (
                "You are trying to edit a protected cell or object. Please contact the spreadsheet owner to remove "
                "protection if you need to edit.",
                "are protected",
            ),
            (
                "This action would increase the number of cells in the workbook above the limit of 10000000 cells.",
                "is full",
            ),
            ("Unable to parse range: 'Contacts'!A1:B1", "no sheet of this title"),
        ],
    )
    @pytest.mark.parametrize(("route", "email"), [("insert", "bo@x.co"), ("batchUpdate", "ada@x.co")])
    def test_what_is_wrong_with_the_place_is_not_blamed_on_a_row(
        self, sheets: Google, opened: Opened, status: int, said: str, words: str, route: str, email: str
    ) -> None:
        sheets.fill(["Email", "City"], ["ada@x.co", ""])
        sheets.fail(status, route=route, message=said)
        with pytest.raises(Broken, match=words):
            opened(mode="upsert").write([told(email, city="Oslo")])

    def test_cells_that_are_not_taken_are_never_taken(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["Email"])
        sheets.fail(400, route="insert")
        with pytest.raises(Refused, match="does not take these cells"):
            opened().write([told()])

    @pytest.mark.parametrize(
        ("header", "mode", "words"),
        [
            (["Nickname"], "upsert", "no column for the e-mail"),
            (["Shoe size", "Hat size"], "append", "names a contact field"),
            (["Shoe size", "Hat size"], "upsert", "names a contact field"),
        ],
    )
    def test_a_sheet_without_a_fitting_column_is_told(
        self, sheets: Google, opened: Opened, header: list[str], mode: str, words: str
    ) -> None:
        sheets.fill(header)
        sink = opened(mode=mode)
        for act in (lambda: sink.write([told()]), sink.look):
            with pytest.raises(Broken, match=words):
                act()
        assert sheets.rows() == [header]


class TestOddAnswers:
    """Answers that Google does not give on an ordinary day."""

    @pytest.fixture
    def odd(self, httpserver: HTTPServer) -> Iterator[tuple[HTTPServer, Sink]]:
        """A Google of which the test says what it answers, and a sink that writes there."""
        httpserver.expect_request("/token").respond_with_json({"access_token": "t", "expires_in": 3_600})
        checked = google_sheets.check(options(mode="upsert"), REFRESHING)
        sink: Any = google_sheets.open_sink(checked, REFRESHING, EGRESS, address=httpserver.url_for("/"))
        yield httpserver, sink
        sink._api._http.close()

    @pytest.mark.parametrize("answer", ["", "<html>", "[]", "null", '"text"'])
    def test_what_cannot_be_read_is_tried_later(self, odd: tuple[HTTPServer, Sink], answer: str) -> None:
        odd[0].expect_request(re.compile(".*batchGet")).respond_with_data(answer)
        with pytest.raises(Later, match="cannot be read"):
            odd[1].write([told()])

    def test_a_redirect_is_not_followed_with_the_token(self, odd: tuple[HTTPServer, Sink]) -> None:
        odd[0].expect_request(re.compile(".*batchGet")).respond_with_data("", 302, {"Location": "/elsewhere"})
        with pytest.raises(Later, match="answers 302"):
            odd[1].write([told()])
        assert "/elsewhere" not in [asked.path for asked, _ in odd[0].log]

    def test_an_error_without_words_is_a_refusal_all_the_same(self, odd: tuple[HTTPServer, Sink]) -> None:
        odd[0].expect_request(re.compile(".*batchGet")).respond_with_data("<html>", 403)
        with pytest.raises(Broken, match="may not edit this sheet"):
            odd[1].write([told()])

    def test_a_sheet_that_is_too_large_is_not_read_to_its_end(
        self, odd: tuple[HTTPServer, Sink], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(google_api, "_LARGEST", 100_000)
        odd[0].expect_request(re.compile(".*batchGet")).respond_with_data(b" " * 1_000_000)
        with pytest.raises(Broken, match="too large"):
            odd[1].write([told()])


class TestLooking:
    """What the user is shown."""

    def test_a_sheet_and_its_columns(self, sheets: Google, opened: Opened) -> None:
        sheets.fill(["E-mail", "Prénom", "Shoe size"], ["ada@example.com", "Ada", 37])
        seen = opened(mode="upsert", columns=["email", "first_name", "data.plan"]).look()
        assert seen == {
            "sheet": None,
            "header": ["E-mail", "Prénom", "Shoe size"],
            "columns": [
                {"header": "E-mail", "field": "email"},
                {"header": "Prénom", "field": "first_name"},
                {"header": "Shoe size", "field": None},
            ],
            "key_column": "E-mail",
            "missing": ["data.plan"],
            "creates": [],
        }
        assert set(sheets.calls()) == {"token", "batchGet"}, "nothing is written"

    def test_an_empty_sheet_and_the_row_that_it_will_get(self, sheets: Google, opened: Opened) -> None:
        seen = opened(columns=["Courriel", "data.plan"]).look()
        assert (seen["header"], seen["creates"], seen["missing"]) == ([], ["Courriel", "data.plan"], [])
        assert sheets.rows() == []


class TestOptions:
    """What a user may say."""

    @pytest.mark.parametrize(
        "written",
        [
            SPREADSHEET,
            f"  {SPREADSHEET} ",
            f"https://docs.google.com/spreadsheets/d/{SPREADSHEET}",
            f"https://docs.google.com/spreadsheets/d/{SPREADSHEET}/edit#gid=0",
            f"https://docs.google.com/spreadsheets/d/{SPREADSHEET}/edit?usp=sharing&gid=7#gid=7",
            f"https://docs.google.com/spreadsheets/u/1/d/{SPREADSHEET}/edit",
            f"https://docs.google.com/a/example.com/spreadsheets/d/{SPREADSHEET}/edit",
        ],
    )
    def test_a_spreadsheet_is_an_id_or_an_address(self, written: str) -> None:
        checked = google_sheets.check({"spreadsheet": written}, service_account())
        assert checked == {
            "spreadsheet": SPREADSHEET,
            "sheet": None,
            "mode": "append",
            "key_column": None,
            "columns": [],
        }

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"spreadsheet": "My contacts"}, "options.spreadsheet"),
            (
                {"spreadsheet": f"https://docs.google.com/spreadsheets/d/e/2PACX-{'x' * 20}/pub"},
                "options.spreadsheet",
            ),
            ({"spreadsheet": f"https://evil.example/spreadsheets/d/{SPREADSHEET}"}, "options.spreadsheet"),
            ({"spreadsheet": f"{SPREADSHEET}/../x"}, "options.spreadsheet"),
            ({"spreadsheet": None}, "options.spreadsheet"),
            ({"spreadsheet": 7}, "options.spreadsheet"),
            ({"sheet": ""}, "options.sheet"),
            ({"sheet": "a\nb"}, "options.sheet"),
            ({"sheet": "a" * 101}, "options.sheet"),
            ({"sheet": "\ud800"}, "options.sheet"),
            ({"mode": "replace"}, "options.mode"),
            ({"key_column": " "}, "options.key_column"),
            ({"columns": "Email"}, "options.columns"),
            ({"columns": ["Email", "Shoe size"]}, "options.columns.1"),
            ({"columns": ["data."]}, "options.columns.0"),
            ({"columns": [None]}, "options.columns.0"),
            ({"columns": ["Email"] * 201}, "options.columns"),
        ],
    )
    def test_what_makes_no_sense_is_named(self, wrong: dict[str, Any], field: str) -> None:
        with pytest.raises(Problem) as refused:
            google_sheets.check({**options(), **wrong}, service_account())
        assert [each.field for each in refused.value.errors] == [field]

    def test_the_spreadsheet_is_needed(self) -> None:
        with pytest.raises(Problem) as refused:
            google_sheets.check({}, service_account())
        assert [each.field for each in refused.value.errors] == ["options.spreadsheet"]
