"""Import with files that are large, wide, and cut off on their way."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests
from playwright.sync_api import Page, expect

from tests.browser.looking import Window
from tests.process.running import Crisp, Service, until

ROWS, COLUMNS = 400_000, 500
# Of each row: more than 125 bytes, so 50 MB in all.
_ROW = "person{0}@example.com,First{0},Last{0},+3363998{1:04d},Nantes,Company {1}," + "note " * 14 + "\n"
# Milliseconds for which the page may answer to nothing that somebody does.
_PATIENCE = 5_000
_WATCH = """
() => {
  let last = performance.now();
  window.longest = 0;
  setInterval(() => { const now = performance.now(); longest = Math.max(longest, now - last); last = now; }, 20);
}
"""
_PAIR = ("Email,Name\n", "ada@example.com,Ada\n")


@contextmanager
def answering(page: Page) -> Iterator[None]:
    """The page stays where it is, and answers to what somebody does all the while."""
    page.evaluate(_WATCH)
    yield
    assert page.evaluate("longest") < _PATIENCE


def test_one_of_50_mb_goes_up_visibly_and_is_seen(here: Window, tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    with file.open("w", encoding="utf-8") as rows:
        rows.write("Email,First Name,Last Name,Phone,City,Company,Notes\n")
        rows.writelines(_ROW.format(number, number % 10_000) for number in range(ROWS))
    assert file.stat().st_size > 50_000_000
    page = here.open("/import")
    slowly = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 20_000_000}
    slowly.send("Network.enable")
    slowly.send("Network.emulateNetworkConditions", slow)
    with answering(page):
        page.locator("#file").set_input_files(file)
        expect(page.get_by_text("The file is sent…")).to_be_visible()
        expect(page.locator("#going-up progress")).to_have_attribute("value", re.compile(r"0\.[1-9]"))
        expect(page.get_by_text("The file is here and is read.")).to_be_visible(timeout=30_000)
        expect(page.get_by_text(f"{ROWS:,} rows · ")).to_be_visible(timeout=180_000)
        expect(page.locator("#going-up")).to_be_hidden()
    expect(page.get_by_text("The first 100,000 rows were looked at")).to_be_visible()
    assert page.locator("section[aria-labelledby=contacts] tbody tr").count() == 20
    assert page.evaluate("document.querySelectorAll('*').length") < 2_000


def test_one_of_500_columns_is_seen_and_each_can_be_chosen(here: Window, crisp: Crisp, tmp_path: Path) -> None:
    file = tmp_path / "wide.csv"
    names, cells = (",".join(f"{what} {number}" for number in range(1, COLUMNS)) for what in ("Column", "cell"))
    file.write_text(f"Email,{names}\nwide@example.com,{cells}\n")
    page = here.open("/import")
    with answering(page):
        page.locator("#file").set_input_files(file)
        expect(page.locator("select[name=to]")).to_have_count(COLUMNS, timeout=20_000)
        for number, field in ((1, "nickname"), (COLUMNS - 1, f"data.column_{COLUMNS - 1}")):
            choice = page.get_by_label(f"Contact field for Column {number}", exact=True)
            with page.expect_response("**/import/preview"):
                choice.select_option(field)
            expect(page.locator("section[aria-labelledby=contacts]")).to_contain_text(f"cell {number}", timeout=20_000)
            expect(choice).to_have_value(field)
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.locator("#progress").get_by_text("done", exact=True)).to_be_visible(timeout=20_000)
    card = crisp.people()["wide@example.com"]
    assert (card["person"]["nickname"], card["data"]) == ("cell 1", {f"column_{COLUMNS - 1}": f"cell {COLUMNS - 1}"})


def test_one_that_is_cut_off_in_the_browser_says_so_and_can_be_sent_again(here: Window, tmp_path: Path) -> None:
    file = tmp_path / "cut.csv"
    file.write_text("".join(_PAIR))
    page = here.open("/import")
    for path, press in (("**/import/preview", "Look at it"), ("**/import/start", "Import 1 row")):
        page.route(path, lambda route: route.abort("connectionreset"))
        if press == "Look at it":
            page.locator("#file").set_input_files(file)
        else:
            page.get_by_role("button", name=press).click()
        expect(page.get_by_text("The service does not answer.")).to_be_visible()
        expect(page.get_by_text("The service answers again.")).to_be_visible()
        page.unroute(path)
        page.get_by_role("button", name=press).click()
        expect(
            page.get_by_role("button", name="Import 1 row") if "preview" in path else page.locator("#progress")
        ).to_be_visible()
    expect(page.get_by_role("heading", name="cut.csv")).to_be_visible()


def test_one_that_is_cut_off_on_its_way_leaves_nothing(here: Window, service: Service, folder: Path) -> None:
    page = here.open("/import")
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in page.context.cookies())
    token = page.locator("#import [name=csrf_token]").input_value()
    before, kept = service.get("/v1/imports").json(), files(folder)
    form = {"file": ("half.csv", "".join((_PAIR[0], *(f"p{each}@example.com,P\n" for each in range(50_000)))))}
    for path, headers in (
        ("/import/start", {"Cookie": cookie, "X-CSRFToken": token}),
        ("/import/preview", {"Cookie": cookie, "X-CSRFToken": token}),
        ("/v1/imports", {"Authorization": f"Bearer {service.key}"}),
    ):
        asked = requests.Request("POST", service.url + path, headers=headers, files=form).prepare()
        send_half(service.url, asked)
    time.sleep(1)
    assert service.get("/v1/imports").json() == before
    until(lambda: files(folder) == kept, 10, "that nothing is kept")
    whole = {"file": ("whole.csv", "".join(_PAIR))}
    headers = {"Cookie": cookie, "X-CSRFToken": token}
    sent = requests.post(f"{service.url}/import/start", headers=headers, files=whole, allow_redirects=False)
    assert sent.status_code == 303, "the whole of one is taken"
    assert service.finished(sent.headers["Location"].rpartition("/")[2])["state"] == "completed"


def send_half(url: str, asked: requests.PreparedRequest) -> None:
    """Half of a request's body, and the end of the connection."""
    place = urlsplit(url)
    assert isinstance(asked.body, bytes)
    head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": place.netloc, **asked.headers}.items())
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as link:
        link.sendall(f"POST {asked.path_url} HTTP/1.1\r\n{head}\r\n".encode())
        link.sendall(asked.body[: len(asked.body) // 2])


def files(folder: Path) -> set[Path]:
    """What lies where the service keeps files, but the database's own."""
    return {each for each in (folder / "data").rglob("*") if each.is_file() and ".db" not in each.name}
