"""Links that people share become the address of the file; every other address stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.files.links import download

SHEET = "https://docs.google.com/spreadsheets/d/1aB-c_D"
EXPORT = f"{SHEET}/export?format=csv"
PUBLISHED = "https://docs.google.com/spreadsheets/d/e/2PACX-1v_x"


@pytest.mark.parametrize(
    ("link", "address"),
    [
        pytest.param(f"{SHEET}/edit#gid=12", f"{EXPORT}&gid=12", id="tab after the hash"),
        pytest.param(f"{SHEET}/edit?gid=12", f"{EXPORT}&gid=12", id="tab in the query"),
        pytest.param(f"{SHEET}/edit?gid=12#gid=12", f"{EXPORT}&gid=12", id="tab twice"),
        pytest.param(f"{SHEET}/edit?gid=1#gid=12", f"{EXPORT}&gid=12", id="what is open counts"),
        pytest.param(f"{SHEET}/edit?usp=sharing", EXPORT, id="shared"),
        pytest.param(f"{SHEET}/edit?pli=1&gid=0#gid=0", f"{EXPORT}&gid=0", id="first tab"),
        pytest.param(f"{SHEET}/edit#gid=7&range=A1:C10", f"{EXPORT}&gid=7", id="with a range"),
        pytest.param(f"{SHEET}/edit#gid=first", EXPORT, id="tab that is no number"),
        pytest.param(f"{SHEET}/edit#gid=", EXPORT, id="tab left out"),
        pytest.param(f"{SHEET}/view", EXPORT, id="view"),
        pytest.param(f"{SHEET}/preview", EXPORT, id="preview"),
        pytest.param(f"{SHEET}/htmlview#gid=3", f"{EXPORT}&gid=3", id="htmlview"),
        pytest.param(f"{SHEET}/copy", EXPORT, id="copy"),
        pytest.param(f"{SHEET}/edit/", EXPORT, id="slash at the end"),
        pytest.param(SHEET, EXPORT, id="id alone"),
        pytest.param(f"{SHEET}/", EXPORT, id="id and a slash"),
        pytest.param(f"  {SHEET}/edit#gid=12\n", f"{EXPORT}&gid=12", id="white space around"),
        pytest.param(SHEET.replace("https", "http") + "/edit", EXPORT, id="http"),
        pytest.param(SHEET.replace("/d/", "/u/0/d/") + "/edit#gid=1", f"{EXPORT}&gid=1", id="an account"),
        pytest.param(SHEET.replace("/d/", "/u/12/d/") + "/", EXPORT, id="another account"),
        pytest.param(SHEET.replace(".com/", ".com/a/shop.example/") + "/edit", EXPORT, id="a Workspace"),
        pytest.param(SHEET.replace("docs.google", "DOCS.Google") + "/edit", EXPORT, id="host in capitals"),
        pytest.param(f"{SHEET}/edit?resourcekey=0-aB#gid=1", f"{EXPORT}&gid=1&resourcekey=0-aB", id="resource key"),
        pytest.param(f"{PUBLISHED}/pubhtml", f"{PUBLISHED}/pub?output=csv", id="published"),
        pytest.param(
            f"{PUBLISHED}/pubhtml?gid=5&single=true",
            f"{PUBLISHED}/pub?output=csv&gid=5&single=true",
            id="published tab",
        ),
        pytest.param(
            f"{PUBLISHED}/pubhtml#gid=5",
            f"{PUBLISHED}/pub?output=csv&gid=5&single=true",
            id="published, after the hash",
        ),
        pytest.param(f"{PUBLISHED}/pub?output=html", f"{PUBLISHED}/pub?output=csv", id="published as a page"),
        pytest.param(f"{SHEET}/pubhtml", f"{SHEET}/pub?output=csv", id="published long ago"),
        pytest.param(
            "https://www.dropbox.com/s/abc/list.csv?dl=0", "https://www.dropbox.com/s/abc/list.csv?dl=1", id="Dropbox"
        ),
        pytest.param(
            "https://www.dropbox.com/scl/fi/abc/list.csv?rlkey=k&st=s&dl=0",
            "https://www.dropbox.com/scl/fi/abc/list.csv?rlkey=k&st=s&dl=1",
            id="Dropbox, newer",
        ),
        pytest.param("https://dropbox.com/s/abc/l.csv", "https://dropbox.com/s/abc/l.csv?dl=1", id="Dropbox, no query"),
    ],
)
def test_a_link_to_look_at_becomes_the_address_of_the_file(link: str, address: str) -> None:
    assert download(link) == address
    assert download(address) == address


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(EXPORT, id="export"),
        pytest.param(f"{SHEET}/export?format=xlsx&gid=1", id="export as a workbook"),
        pytest.param(f"{SHEET}/gviz/tq?tqx=out:csv&sheet=Leads", id="a query's answer"),
        pytest.param(f"{PUBLISHED}/pub?gid=0&single=true&output=csv", id="published as CSV"),
        pytest.param(f"{PUBLISHED}/pub?output=xlsx", id="published as a workbook"),
        pytest.param("https://docs.google.com/spreadsheets/", id="all sheets"),
        pytest.param("https://docs.google.com/document/d/1aB/edit", id="a document"),
        pytest.param("https://docs.google.com/spreadsheets/d/../edit", id="no id"),
        pytest.param("https://docs.google.com.evil.example/spreadsheets/d/1aB/edit", id="a host that looks alike"),
        pytest.param("https://evil.example/docs.google.com/spreadsheets/d/1aB/edit", id="a path that looks alike"),
        pytest.param("ftp://docs.google.com/spreadsheets/d/1aB/edit", id="another scheme"),
        pytest.param("https://www.dropbox.com/home", id="a page of Dropbox"),
        pytest.param("https://www.dropbox.com/s/abc/list.csv?raw=1", id="a raw file of Dropbox"),
        pytest.param("https://shop.example/list.csv?gid=1&dl=0#gid=2", id="any other"),
        pytest.param("https://[::1", id="no address at all"),
        pytest.param("docs.google.com/spreadsheets/d/1aB/edit", id="no scheme"),
        pytest.param("", id="nothing"),
    ],
)
def test_every_other_address_stays_as_it_is(address: str) -> None:
    assert download(address) == address


@given(st.sampled_from([SHEET, PUBLISHED, "https://www.dropbox.com/s/", ""]), st.text())
def test_nothing_is_an_error(beginning: str, rest: str) -> None:
    found = download(beginning + rest)
    assert download(found) == found
