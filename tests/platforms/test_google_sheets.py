"""The Apps Script in a Node VM, with stand-ins for Google's services, against a running service and a local Crisp."""

import io
import json
import re
import zipfile
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connector.crisp.calls import STATUSES
from tests.platforms.spreadsheets import (
    AGAIN,
    ALL,
    CONNECT,
    HEADER,
    NO_EMAIL,
    NOBODY,
    SELECTED,
    START,
    STOP,
    Cell,
    People,
    Seen,
    Spreadsheet,
    connected,
)
from tests.process.running import Crisp, Service


def packaged(service: Service) -> dict[str, bytes]:
    """The files of the package as the service hands it out."""
    with zipfile.ZipFile(io.BytesIO(service.get("/manifests/google_sheets").content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sent(seen: Seen) -> list[list[Cell]]:
    """The rows of the last request that has some."""
    [*_, last] = [json.loads(each["payload"])["rows"] for each in seen.requests]
    found: list[list[Cell]] = last
    return found


class TestTheMenu:
    def test_it_has_a_name_and_everything_in_it_runs(self, sheet: Spreadsheet) -> None:
        menu = sheet.choose("Help").menu
        assert menu is not None
        assert menu["title"] == "Send to Crisp"
        assert [label for label, _ in menu["items"]] == [SELECTED, ALL, AGAIN, START, STOP, CONNECT, "Help"]
        assert [run for _, run in menu["items"] if f"\nfunction {run}()" not in sheet.script] == []

    def test_help_explains_every_status(self, sheet: Spreadsheet) -> None:
        [said] = sheet.choose("Help").said
        assert [each for each in (*STATUSES[:-2], "failed", "waiting", "not sent") if each not in said] == []

    @pytest.mark.parametrize("label", [ALL, SELECTED, AGAIN, START])
    def test_without_a_connection_nothing_is_sent(self, sheet: Spreadsheet, label: str, people: People) -> None:
        seen = Spreadsheet(sheet.script, [HEADER, people.ada]).choose(label, selected=[[2, 1]])
        assert (seen.said, seen.requests) == (["Choose Connect… in this menu first."], [])

    @pytest.mark.parametrize("header", [[], ["", " "], ["Crisp"]])
    def test_without_column_names_nothing_is_sent(self, sheet: Spreadsheet, header: list[Cell], people: People) -> None:
        sheet.sheet()["cells"] = [list(header), people.ada]
        seen = sheet.choose(ALL)
        assert seen.said == ["The first row must hold the column names, such as Email and Name."]
        assert (seen.requests, sheet.sheet()["cells"]) == ([], [header, people.ada])


class TestConnecting:
    def test_the_secret_is_kept_with_the_spreadsheet_and_not_in_the_script(
        self, service: Service, inbound: dict[str, Any]
    ) -> None:
        ours = connected(service, inbound)
        assert inbound["secret"] not in ours.script
        assert ours.state["properties"] == {"address": inbound["url"], "secret": inbound["secret"]}

    def test_a_wrong_secret_is_told_at_once_and_again_in_the_rows(self, sheet: Spreadsheet) -> None:
        [_, told] = sheet.choose(CONNECT, "in_wrong").said
        assert told == "The secret is wrong, or this address was removed. Choose Connect… and give both anew."
        seen = sheet.choose(ALL)
        assert seen.said == [f"{told} Rows not sent: 3. Sent: none."]
        assert sheet.column() == [f"not sent: {told}"] * 3
        assert (len(seen.requests), seen.slept) == (1, []), "a wrong secret stays wrong"

    def test_the_package_asks_for_the_address_too(
        self, service: Service, inbound: dict[str, Any], people: People
    ) -> None:
        package = Spreadsheet(packaged(service)["Code.gs"].decode(), [HEADER, people.ada])
        [asked, refused] = package.choose(CONNECT, "https://example.com/").said
        assert service.url in asked
        assert refused.startswith("This is no address of a sheet.")
        assert package.choose(CONNECT, inbound["url"], inbound["secret"]).said[-1].startswith("Connected.")
        package.choose(ALL)
        assert package.column() == ["created"]

    @pytest.mark.parametrize("answers", [[None], [""], ["  "]])
    def test_who_cancels_changes_nothing(self, sheet: Spreadsheet, answers: list[str | None]) -> None:
        before = dict(sheet.state["properties"])
        assert sheet.choose(CONNECT, *answers).requests == []
        assert sheet.state["properties"] == before

    def test_where_no_connector_is_it_says_so(self, sheet: Spreadsheet) -> None:
        pages = [{"status": 200, "body": "<html>"}, {"status": 404}, {"status": 302}, {"status": 200, "body": "null"}]
        for page in pages:
            told = sheet.choose(CONNECT, "in_x", answered=[page]).said[-1]
            assert told == "No connector is at this address. Choose Connect… again."


class TestSending:
    def test_every_row_gets_its_status(self, sheet: Spreadsheet, crisp: Crisp, people: People) -> None:
        seen = sheet.choose(ALL)
        assert sheet.header() == [*HEADER, "Crisp"]
        assert sheet.column() == ["created", NO_EMAIL, "created"]
        assert seen.toasts == ["Sent: 2 created, 1 rejected."]
        assert seen.said == []
        card = crisp.people()[people.mail("ada")]
        assert (card["person"]["nickname"], card["person"]["geolocation"]["city"]) == ("Ada Lovelace", "London")
        assert len(crisp.people()) == 2

    def test_a_second_time_nothing_changes_and_then_one_thing(
        self, sheet: Spreadsheet, crisp: Crisp, people: People
    ) -> None:
        sheet.choose(ALL)
        sheet.edit(2, 3, ["Paris"])
        assert sheet.choose(ALL).toasts == ["Sent: 1 updated, 1 rejected, 1 unchanged."]
        assert sheet.column() == ["updated", NO_EMAIL, "unchanged"]
        assert crisp.people()[people.mail("ada")]["person"]["geolocation"]["city"] == "Paris"

    def test_the_status_column_is_never_sent_wherever_it_stands(self, sheet: Spreadsheet, people: People) -> None:
        for line, cell in zip(sheet.sheet()["cells"], ["Crisp", "mine", "", ""], strict=True):
            line.insert(1, cell)
        seen = sheet.choose(ALL)
        assert sent(seen) == [people.ada, NOBODY, people.grace]
        assert sheet.header() == ["Email", "Crisp", "Name", "City"]
        assert sheet.column()[0] == "created"

    def test_a_full_sheet_gets_one_more_column(self, sheet: Spreadsheet) -> None:
        sheet.sheet()["columns"] = 3
        sheet.choose(ALL)
        assert sheet.column()[0] == "created"

    def test_two_who_begin_at_once_make_one_column(self, sheet: Spreadsheet) -> None:
        other = {"put": {"row": 1, "column": 4, "values": [["Crisp"]]}}
        sheet.choose(ALL, whileWaiting=other)
        assert sheet.header().count("Crisp") == 1
        assert sheet.column()[0] == "created"

    def test_the_time_is_that_of_the_sheet_and_colours_tell(self, sheet: Spreadsheet) -> None:
        sheet.state["zone"] = "Asia/Tokyo"
        sheet.choose(ALL)
        for note in sheet.column("notes"):
            seen_at = datetime.strptime(note, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZoneInfo("Asia/Tokyo"))
            assert abs((datetime.now(UTC) - seen_at).total_seconds()) < 30
        assert sheet.column("colours") == ["#188038", "#c5221f", "#188038"]

    def test_empty_rows_are_not_sent(self, sheet: Spreadsheet, people: People) -> None:
        sheet.sheet()["cells"] = [
            [*HEADER, "Member"],
            ["", " ", "", False],
            [*people.ada, True],
            [],
            ["", "", "", False],
        ]
        seen = sheet.choose(ALL)
        assert (seen.rows, sent(seen)) == ([3], [[*people.ada, True]])
        assert sheet.column() == ["", "created", "", ""]
        sheet.add("Empty", [HEADER])
        assert sheet.choose(ALL, sheet="Empty").said == ["There is no row to send here."]

    def test_only_what_is_selected_and_shown_is_sent(self, sheet: Spreadsheet, people: People) -> None:
        sheet.sheet()["cells"] += people.rows(4)
        seen = sheet.choose(SELECTED, selected=[[7, 1, 994, 3], [1, 2, 2, 1], [2, 1], [5, 1]], hidden=[5, 6])
        assert seen.rows == [2, 7, 8]
        assert sheet.column() == ["created", "", "", "", "", "created", "created"]
        assert sheet.choose(SELECTED).said == ["There is no row to send here."]

    def test_dates_numbers_and_other_alphabets_arrive_as_they_are(
        self, sheet: Spreadsheet, crisp: Crisp, people: People
    ) -> None:
        """The day of a date is that of the sheet's zone; and the signature is over UTF-8."""
        day, name = {"date": "2024-05-01T22:00:00Z"}, "Inès 李 🌻"
        sheet.sheet()["cells"] = [["Email", "Name", "Signup date", "data.seats"], [people.mail("ines"), name, day, 3]]
        seen = sheet.choose(ALL)
        assert sent(seen) == [[people.mail("ines"), name, "2024-05-02T00:00:00+02:00", 3]]
        card = crisp.people()[people.mail("ines")]
        assert (card["person"]["nickname"], str(card["data"]["seats"])) == (name, "3")

    def test_a_formula_that_is_another_each_time_does_not_keep_the_status_away(self, sheet: Spreadsheet) -> None:
        sheet.sheet()["cells"][1][2] = {"formula": "=RAND()", "value": "RAND"}
        sheet.choose(ALL)
        assert sheet.column()[0] == "created"

    def test_of_one_person_twice_the_later_row_counts(self, sheet: Spreadsheet, crisp: Crisp, people: People) -> None:
        sheet.sheet()["cells"] = [HEADER, people.ada, [people.mail("ada"), "Ada", "Paris"]]
        sheet.choose(ALL)
        assert sheet.column() == ["superseded", "created"]
        assert crisp.people()[people.mail("ada")]["person"]["geolocation"]["city"] == "Paris"

    def test_rows_that_move_or_change_meanwhile_are_given_no_status_of_another(
        self, sheet: Spreadsheet, people: People
    ) -> None:
        sheet.choose(ALL, meanwhile={"insert": 3})
        assert sheet.column() == ["created", "", "", ""]
        sheet.choose(ALL, meanwhile={"put": {"row": 4, "column": 1, "values": [[people.mail("now")]]}})
        assert sheet.column() == ["unchanged", "", "", "unchanged"]


def test_a_copy_of_the_spreadsheet_sends_nothing(sheet: Spreadsheet) -> None:
    """Google copies the script and the cells, but no properties and no triggers."""
    sheet.choose(START)
    copy = Spreadsheet(sheet.script, sheet.sheet()["cells"])
    assert copy.edit(2, 3, ["Paris"]).requests == []
    assert copy.choose(ALL).said == ["Choose Connect… in this menu first."]


def test_the_package_and_what_is_served_are_one_script(service: Service, sheet: Spreadsheet) -> None:
    package, address = packaged(service)["Code.gs"].decode(), re.compile(r'^const ADDRESS = "([^"]+)";$', re.MULTILINE)
    assert address.sub("", package) == address.sub("", sheet.script)
    assert address.findall(package) == [f"{service.url}/in/google_sheets/"]
