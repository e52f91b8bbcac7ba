"""The page Import: looked at, tried with two rows, watched, corrected and imported again, without JavaScript."""

import io
import json
import re
from html import unescape
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from tests.app.browsing import Browser, signed_in
from tests.app.stack import Stack, finished

ROOT = Path(__file__).resolve().parents[2]
HUBSPOT = (ROOT / "manifests" / "samples" / "csv" / "hubspot.csv").read_bytes()
XSS = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
PEOPLE = b"Email,Name\nada@example.com,Ada\nnobody,Nobody\nbo@example.com,Bo\ncy@example.com,Cy\n"


@pytest.fixture
def admin(stack: Stack) -> Browser:
    """Signed in."""
    return signed_in(stack)


def dropped(browser: Browser, path: str, content: bytes, name: str = "people.csv", **form: str) -> TestResponse:
    return browser.post(path, file=(io.BytesIO(content), name), **form)


def imported(browser: Browser, stack: Stack, content: bytes, **form: str) -> str:
    """The id of the import that was begun, once it is done."""
    answer = dropped(browser, "/import/start", content, **form)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    import_id = answer.headers["Location"].rpartition("/")[2]
    finished(stack.client(), import_id)
    return import_id


def test_a_file_is_looked_at_and_nothing_is_written(admin: Browser, stack: Stack) -> None:
    page = unescape(dropped(admin, "/import/preview", HUBSPOT, "hubspot.csv").get_data(as_text=True))
    assert "export of HubSpot" in page
    told = stack.client().post("/v1/imports/preview", data={"file": (io.BytesIO(HUBSPOT), "hubspot.csv")}).get_json()
    for column in told["columns"]:
        assert column["reason"] in page
    for problem in told["problems"]:
        assert problem["message"] in page
    assert stack.crisp.calls == 0
    assert stack.client().get("/v1/imports").get_json() == []


def test_a_column_is_mapped_by_choosing(admin: Browser, stack: Stack) -> None:
    content = b"Courriel pro,Formule\nada@example.com,pro\n"
    token = admin.token()
    sent = {"path": ["Courriel pro", "Formule"], "to": ["email", "data.formule"]}
    data = {"file": (io.BytesIO(content), "a.csv"), "csrf_token": token, **sent}
    answer = admin.client.post("/import/start", data=data, headers=admin.headers)
    finished(stack.client(), answer.headers["Location"].rpartition("/")[2])
    assert stack.crisp.people()["ada@example.com"]["data"] == {"formule": "pro"}


def test_a_column_is_left_out_by_choosing_and_stays_so_when_what_failed_comes_back(
    admin: Browser, stack: Stack
) -> None:
    content = b"Email,City,Notes\nada@example.com,Nantes,x\nnobody,Brest,y\n"
    sent = {"path": ["Email", "City", "Notes"], "to": ["", "ignored", ""]}
    data = {"file": (io.BytesIO(content), "a.csv"), "csrf_token": admin.token(), **sent}
    answer = admin.client.post("/import/start", data=data, headers=admin.headers)
    import_id = answer.headers["Location"].rpartition("/")[2]
    finished(stack.client(), import_id)
    corrected = admin.get(f"/import/{import_id}/failures.csv").get_data().replace(b"nobody", b"bo@example.com")
    imported(admin, stack, corrected)
    people = stack.crisp.people()
    assert people.keys() == {"ada@example.com", "bo@example.com"}
    assert "Nantes" not in json.dumps(people)
    assert "Brest" not in json.dumps(people)


def test_first_two_then_the_rest_then_what_failed_again(admin: Browser, stack: Stack) -> None:
    import_id = imported(admin, stack, PEOPLE, limit="2")
    page = admin.text(f"/import/{import_id}")
    assert "paused" in page
    assert "Go on with the rest" in page
    assert admin.post(f"/import/{import_id}/resume").status_code == 303
    finished(stack.client(), import_id)
    page = admin.text(f"/import/{import_id}")
    assert "done, some failed" in page
    assert "not a valid email address" in page
    failures = admin.get(f"/import/{import_id}/failures.csv")
    assert failures.mimetype == "text/csv"
    assert b"nobody" in failures.get_data()
    corrected = failures.get_data().replace(b"nobody", b"nobody@example.com")
    again = imported(admin, stack, corrected)
    assert stack.client().get(f"/v1/imports/{again}").get_json()["state"] == "completed"
    assert len(stack.crisp.people()) == 4
    assert admin.get(f"/import/{import_id}/crisp.csv").mimetype == "text/csv"
    assert "people.csv" in admin.text("/import")


def test_the_totals_add_up_in_the_picture(admin: Browser, stack: Stack) -> None:
    import_id = imported(admin, stack, PEOPLE)
    page = admin.text(f"/import/{import_id}/progress")
    widths = [float(each) for each in re.findall(r'<rect class="\w+" x="[\d.]+" y="0" width="([\d.]+)"', page)]
    assert sum(widths) == pytest.approx(1000)
    assert "every 1s" not in page, "what is done is not asked for any more"


def test_a_link_is_followed_no_further_than_by_the_api(admin: Browser) -> None:
    answer = admin.post("/import/preview", url="http://169.254.169.254/latest")
    assert 'role="alert"' in answer.get_data(as_text=True)


@pytest.mark.parametrize(("content", "name"), [(b"", "a.csv"), (b"%PDF-1.7 x", "a.pdf"), (b"a,b\n1,2\n", XSS)])
def test_what_is_no_file_of_contacts_is_told_in_words(admin: Browser, content: bytes, name: str) -> None:
    for path in ("/import/preview", "/import/start"):
        answer = dropped(admin, path, content, name)
        assert answer.status_code < 500
        assert 'role="alert"' in answer.get_data(as_text=True)
    assert "Choose a file" in admin.post("/import/preview").get_data(as_text=True)


def test_nothing_of_a_file_is_run(admin: Browser, stack: Stack) -> None:
    quoted, bare = XSS.replace('"', '""'), XSS[2:]
    content = f'Email,"{quoted}",Notes\nada@example.com,{bare},{bare}\n{bare},,\n'.encode()
    seen = dropped(admin, "/import/preview", content, f"{XSS}.csv").get_data(as_text=True)
    import_id = imported(admin, stack, content)
    for page in (seen, admin.text(f"/import/{import_id}"), admin.text("/import")):
        assert "<img" not in page
        assert "<script>" not in page


def test_500_columns_and_a_cell_of_40_kb(admin: Browser) -> None:
    names = ",".join(["Email", *(f"Column {number}" for number in range(499))])
    content = f"{names}\nada@example.com,{'a' * 40_000}\n".encode()
    answer = dropped(admin, "/import/preview", content)
    assert answer.status_code == 200
    assert "Column 498" in answer.get_data(as_text=True)


def test_who_may_only_read_looks_and_imports_nothing(stack: Stack) -> None:
    browser = Browser(stack.app)
    browser.sign_in(stack.key("read"))
    assert "Import all" not in dropped(browser, "/import/preview", PEOPLE).get_data(as_text=True)
    assert dropped(browser, "/import/start", PEOPLE).status_code == 403


def test_of_another_there_is_nothing(admin: Browser) -> None:
    for path in ("/import/nothing", "/import/nothing/progress", "/import/nothing/failures.csv", "/import/a%2fb"):
        answer = admin.get(path)
        assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert json.loads(admin.client.get("/v1/imports/nothing").get_data())["status"] == 401


def test_a_second_click_imports_nothing_twice_and_a_new_look_does(admin: Browser, stack: Stack) -> None:
    def looked() -> str:
        page = dropped(admin, "/import/preview", PEOPLE).get_data(as_text=True)
        found = re.search(r'name="once" value="([^"]+)"', page)
        assert found is not None
        return found[1]

    once = looked()
    first = imported(admin, stack, PEOPLE, once=once)
    assert imported(admin, stack, PEOPLE, once=once) == first
    others = [
        imported(admin, stack, PEOPLE, once=once, limit="2"),
        imported(admin, stack, PEOPLE + b"more@example.com\n", once=once),
        imported(admin, stack, PEOPLE, once=looked()),
    ]
    assert len({first, *others}) == 4
