"""The Apps Script with many rows, little time, and a connector or a Crisp that does not answer."""

import json
import time
from pathlib import Path

from connector.outcomes import WAITING
from tests.platforms.spreadsheets import (
    AGAIN,
    ALL,
    HEADER,
    NO_EMAIL,
    NOBODY,
    SELECTED,
    People,
    Spreadsheet,
    address,
    connected,
)
from tests.process.running import Crisp, Service, running


class TestManyRows:
    def test_many_go_in_parts_and_one_is_told_how_far_it_is(
        self, sheet: Spreadsheet, crisp: Crisp, people: People
    ) -> None:
        sheet.sheet()["cells"] = [HEADER, *people.rows(250)]
        seen = sheet.choose(ALL)
        assert [len(json.loads(each["payload"])["rows"]) for each in seen.requests][-1] == 50
        assert seen.toasts == ["200 of 250 rows …", "Sent: 250 created."]
        assert sheet.column() == ["created"] * 250
        assert len(crisp.people()) == 250

    def test_it_stops_before_google_ends_it_and_goes_on_there(self, sheet: Spreadsheet, people: People) -> None:
        sheet.short()
        sheet.sheet()["cells"] = [HEADER, *people.rows(7)]
        seen = sheet.choose(ALL, takes=130_000)
        assert seen.rows == [2, 3, 4, 5]
        assert seen.said == ["The time was up before row 6. Rows left: 3. Choose the same again. Sent: 4 created."]
        again = sheet.choose(ALL, "YES")
        assert (again.rows, again.toasts[-1]) == ([6, 7, 8], "Sent: 3 created.")
        assert sheet.choose(ALL).rows == [*range(2, 9)], "nobody is asked when it came to its end"

    def test_who_does_not_want_to_go_on_begins_anew(self, sheet: Spreadsheet) -> None:
        sheet.short()
        sheet.choose(ALL, takes=250_000)
        seen = sheet.choose(ALL, "NO")
        assert seen.said[0] == "The last time it stopped before row 4. Go on there? No begins with the first row."
        assert seen.rows == [2, 3, 4]

    def test_of_selected_rows_it_says_from_where(self, sheet: Spreadsheet) -> None:
        sheet.short()
        [told] = sheet.choose(SELECTED, selected=[[2, 1, 3, 1]], takes=250_000).said
        assert told.startswith("The time was up before row 4. Rows left: 1. Select them and choose the same again.")


class TestWhatFails:
    def test_what_fails_is_tried_again_as_the_same_event(self, sheet: Spreadsheet, crisp: Crisp) -> None:
        answers = [{"status": 0}, {"status": 503, "headers": {"retry-after": "7"}}, {"status": 429}]
        seen = sheet.choose(ALL, answered=answers)
        assert len({each["payload"] for each in seen.requests}) == 1
        assert (len(seen.requests), seen.slept) == (4, [2_000, 7_000, 8_000])
        assert sheet.column() == ["created", NO_EMAIL, "created"]

    def test_an_answer_that_got_lost_is_asked_for_again(self, service: Service, sheet: Spreadsheet) -> None:
        """The connector took it; then the line broke. What was created is not told as unchanged."""
        sheet.choose(ALL, loses=1)
        assert sheet.column() == ["created", NO_EMAIL, "created"]

    def test_when_it_cannot_be_reached_it_says_so_and_later_sends_the_rest(self, sheet: Spreadsheet) -> None:
        sheet.short()
        seen = sheet.choose(ALL, answered=[{"status": 0}] * 4)
        why = "The connector could not be reached (Address unavailable). Try again later."
        assert seen.said == [f"{why} Rows not sent: 3. Sent: none."]
        assert sheet.column() == [f"not sent: {why}", f"not sent: {why}", ""]
        assert sheet.choose(AGAIN).rows == [2, 3]
        assert sheet.column() == ["created", NO_EMAIL, ""]

    def test_a_long_pause_is_not_waited_out(self, sheet: Spreadsheet) -> None:
        seen = sheet.choose(ALL, answered=[{"status": 503, "headers": {"Retry-After": "86400"}}])
        assert seen.slept == [30_000]

    def test_rows_that_are_too_large_say_so(self, sheet: Spreadsheet) -> None:
        seen = sheet.choose(ALL, answered=[{"status": 413}])
        assert seen.said[0].startswith("These rows are too large to be sent at once. Select fewer of them.")

    def test_a_corrected_row_is_sent_again_and_no_other(self, sheet: Spreadsheet, people: People) -> None:
        sheet.choose(ALL)
        sheet.edit(3, 1, [people.mail("nobody")])
        seen = sheet.choose(AGAIN)
        assert (seen.rows, seen.toasts) == ([3], ["Sent: 1 created."])
        assert sheet.column() == ["created"] * 3
        assert sheet.choose(AGAIN).said == ["There is no row to send here."]

    def test_what_crisp_takes_later_waits(self, crisp: Crisp, tmp_path: Path, people: People) -> None:
        """A service of its own, for the quota stays used up."""
        crisp.set(daily_quota=0, retry_after=3600)
        env = {**crisp.env, "CONNECTOR_DATA_DIR": str(tmp_path)}
        with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as process:
            service = Service(process.url)
            sheet = connected(service, address(service), people.ada, NOBODY, people.grace)
            begun = time.monotonic()
            sheet.choose(ALL)
            assert time.monotonic() - begun < 20, "what cannot come is not waited for"
            waiting = "waiting: " + WAITING["quota_used_up"]
            assert sheet.column() == [waiting, NO_EMAIL, waiting]
            assert sheet.column("colours") == ["#b06000", "#c5221f", "#b06000"]
            assert sheet.choose(AGAIN).rows == [2, 3, 4]

    def test_what_is_on_its_way_is_asked_for_until_it_is_there(self, sheet: Spreadsheet, crisp: Crisp) -> None:
        """Between two looks a second passes; what is asked is the same event."""
        crisp.set(latency_ms=1_500)
        seen = sheet.choose(ALL, answered=[{"status": 200, "body": json.dumps({"stored": True})}])
        assert len({each["payload"] for each in seen.requests}) == 1
        assert seen.slept == [1_000]
        assert sheet.column() == ["created", NO_EMAIL, "created"]

    def test_what_is_never_taken_in_waits(self, sheet: Spreadsheet) -> None:
        sheet.choose(ALL, answered=[{"status": 200, "body": json.dumps({"stored": True})}] * 7)
        assert sheet.column() == ["waiting: The connector keeps it and takes it in later."] * 3
