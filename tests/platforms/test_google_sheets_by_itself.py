"""The Apps Script by itself: after edits, pastes and answers of forms, and with several people."""

import pytest

from tests.platforms.spreadsheets import AGAIN, ALL, HEADER, NO_EMAIL, START, STOP, People, Spreadsheet
from tests.process.running import Crisp


class TestByItself:
    @pytest.fixture
    def by_itself(self, sheet: Spreadsheet) -> Spreadsheet:
        [said] = sheet.choose(START).said
        assert said.startswith("Rows that are edited and answers of forms are sent by themselves from now on, in: CRM.")
        assert sheet.header() == [*HEADER, "Crisp"]
        return sheet

    def test_an_edited_row_is_sent(self, by_itself: Spreadsheet, crisp: Crisp, people: People) -> None:
        seen = by_itself.edit(2, 3, ["Paris"])
        assert seen.rows == [2]
        assert by_itself.column() == ["created", "", ""]
        assert crisp.people()[people.mail("ada")]["person"]["geolocation"]["city"] == "Paris"

    def test_pasted_rows_are_sent_together(self, by_itself: Spreadsheet, people: People) -> None:
        seen = by_itself.edit(5, 1, *people.rows(40))
        assert seen.rows == [*range(5, 45)]
        assert len({each["payload"] for each in seen.requests}) == 1
        assert by_itself.column() == ["", "", "", *["created"] * 40]

    def test_an_answer_of_a_form_is_sent(self, by_itself: Spreadsheet, crisp: Crisp, people: People) -> None:
        assert by_itself.submit(people.mail("new"), "New Person", "Oslo").rows == [5]
        assert by_itself.column()[-1] == "created"
        assert people.mail("new") in crisp.people()

    def test_the_status_column_and_the_names_are_nobodys_change(self, by_itself: Spreadsheet, people: People) -> None:
        by_itself.choose(ALL)
        assert by_itself.edit(2, 4, ["mine"], ["mine"]).requests == []
        assert by_itself.column()[:2] == ["mine", "mine"]
        assert by_itself.edit(1, 1, ["E-mail"]).requests == []
        assert by_itself.edit(1, 1, HEADER, people.ada).rows == [2]
        assert by_itself.edit(2, 3, ["London", "created"]).rows == [2], "more than the status has changed"

    def test_a_row_that_is_emptied_is_not_sent(self, by_itself: Spreadsheet) -> None:
        assert by_itself.edit(2, 1, ["", "", ""]).requests == []

    def test_a_rejected_row_says_why_and_is_sent_when_it_is_corrected(
        self, by_itself: Spreadsheet, people: People
    ) -> None:
        by_itself.edit(3, 2, ["Somebody"])
        assert by_itself.column()[1] == NO_EMAIL
        by_itself.edit(3, 1, [people.mail("somebody")])
        assert by_itself.column()[1] == "created"

    def test_a_sheet_without_the_status_column_takes_no_part(self, by_itself: Spreadsheet) -> None:
        by_itself.add("Notes", [["Text"], ["a"]])
        assert by_itself.edit(2, 1, ["b"], sheet="Notes").requests == []
        assert by_itself.header("Notes") == ["Text"]
        [said] = by_itself.choose(START, sheet="Notes").said
        assert "in: CRM, Notes." in said
        assert by_itself.edit(2, 1, ["c"], sheet="Notes").rows == [2]

    def test_chosen_twice_it_sends_once(self, by_itself: Spreadsheet) -> None:
        by_itself.choose(START)
        assert sorted(each["type"] for each in by_itself.state["triggers"]) == ["edit", "submit"]
        assert len(by_itself.edit(2, 3, ["Paris"]).requests) == 1

    def test_stopped_it_sends_nothing(self, by_itself: Spreadsheet) -> None:
        by_itself.choose(STOP)
        assert by_itself.state["triggers"] == []
        assert by_itself.edit(2, 3, ["Paris"]).requests == []

    def test_somebody_else_takes_it_over_and_nothing_is_sent_twice(self, by_itself: Spreadsheet) -> None:
        assert len(by_itself.choose(START, "NO", **{"as": "grace"}).said) == 1
        assert {each["who"] for each in by_itself.state["triggers"]} == {"ada"}
        by_itself.choose(START, "YES", **{"as": "grace"})
        assert len(by_itself.edit(2, 3, ["Paris"]).requests) == 1
        assert {each["who"] for each in by_itself.state["triggers"]} == {"grace"}, "the other's has removed itself"

    def test_somebody_else_may_stop_it(self, by_itself: Spreadsheet) -> None:
        by_itself.choose(STOP, **{"as": "grace"})
        assert by_itself.edit(2, 3, ["Paris"]).requests == []
        assert by_itself.state["triggers"] == []

    def test_what_cannot_be_sent_says_so_in_its_row(self, by_itself: Spreadsheet, people: People) -> None:
        by_itself.short()
        by_itself.edit(5, 1, *people.rows(4), answered=[{"status": 401}])
        assert {each.split(":")[0] for each in by_itself.column()[3:]} == {"not sent"}
        assert by_itself.choose(AGAIN).rows == [5, 6, 7, 8]

    def test_more_than_there_is_time_for_is_left_for_the_menu(self, by_itself: Spreadsheet, people: People) -> None:
        by_itself.short()
        by_itself.edit(5, 1, *people.rows(4), takes=250_000)
        assert by_itself.column()[3:] == ["created"] * 2 + [f'not sent: The time was up. Choose "{AGAIN}".'] * 2
