"""XML documents as plain values, and what is not taken."""

import time
from typing import Any

import pytest

from connector.body import read_body
from connector.errors import Problem
from connector.markup import read_xml

BIG = "9" * 100_000
LAUGHS = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
BOMB = f'<!DOCTYPE a [<!ENTITY e0 "ha">{LAUGHS}]>'


@pytest.mark.parametrize(
    ("document", "value"),
    [
        ("<a>text</a>", {"a": "text"}),
        ("<a/>", {"a": ""}),
        ("<a><b>1</b><c>2</c></a>", {"a": {"b": "1", "c": "2"}}),
        ("<a>\n <b>1</b>\n <b/>\n <b>3</b>\n</a>", {"a": {"b": ["1", "", "3"]}}),
        ('<a id="7"/>', {"a": {"@id": "7"}}),
        ('<a id="7">text</a>', {"a": {"@id": "7", "#text": "text"}}),
        ('<a id="7"> <b>1</b> </a>', {"a": {"@id": "7", "b": "1"}}),
        ('<x:a xmlns:x="urn:x" x:id="7"><b xmlns="urn:y"/></x:a>', {"{urn:x}a": {"@{urn:x}id": "7", "{urn:y}b": ""}}),
        ('<a><b xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true">x</b></a>', {"a": {"b": None}}),
        ("<a><![CDATA[<b> & <!DOCTYPE c>]]></a>", {"a": "<b> & <!DOCTYPE c>"}),
        ("<a>Care &amp; &#201;&lt;</a>", {"a": "Care & É<"}),
        ("<a>one<!-- not this --><?nor this?> two</a>", {"a": "one two"}),
        ("\n\n<?xml version='1.0'?><a/>", {"a": ""}),
        ("\ufeff<?xml version='1.0'?><a>é</a>", {"a": "é"}),
        (" \ufeff\n<a/>", {"a": ""}),
        (f"<a>{BIG}</a>", {"a": BIG}),
        (f"<a>{'<b>1</b><b/>' * 700}</a>", {"a": {"b": ["1", ""] * 700}}),
        ("<a>" * 49 + "x" + "</a>" * 49, None),
    ],
)
def test_a_document_as_values(document: str, value: Any) -> None:
    read = read_xml(document.encode())
    assert value is None or read == value


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "utf-8"])
def test_the_encoding_is_the_declarations(encoding: str) -> None:
    assert read_xml(f"<?xml version='1.0' encoding='{encoding}'?><a>é</a>".encode(encoding)) == {"a": "é"}


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (BOMB + "<a>&e11;</a>", "body_doctype"),
        (BOMB + '<a b="&e11;"/>', "body_doctype"),
        ('<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a>&f;</a>', "body_doctype"),
        ('<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]><a/>', "body_doctype"),
        ('<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>', "body_doctype"),
        ("<!DOCTYPE html><html><body/></html>", "body_doctype"),
        ("<?xml version='1.0'?>\n<!DOCTYPE a><a/>", "body_doctype"),
        ("<a>&nothing;</a>", "body_not_xml"),
        ("<a>", "body_not_xml"),
        ("<a></b>", "body_not_xml"),
        ("<a/><b/>", "body_not_xml"),
        ("<a/>text", "body_not_xml"),
        ("<x:a/>", "body_not_xml"),
        ("", "body_not_xml"),
        ("text", "body_not_xml"),
        ("<a>\x00</a>", "body_not_xml"),
        ("<a>&#0;</a>", "body_not_xml"),
        ("<a>&#xD800;</a>", "body_not_xml"),
        ("<?xml version='1.0' encoding='klingon'?><a/>", "body_not_xml"),
        ("<a>" * 51 + "</a>" * 51, "body_too_deep"),
        ("<a>" * 100_000 + "</a>" * 100_000, "body_not_xml"),
    ],
)
def test_what_is_not_taken_is_told_at_once(document: str, code: str) -> None:
    began = time.monotonic()
    with pytest.raises(Problem) as caught:
        read_xml(document.encode())
    assert (caught.value.code, caught.value.status) == (code, 400)
    assert time.monotonic() - began < 1


def test_nothing_of_the_document_is_in_the_sentence() -> None:
    with pytest.raises(Problem) as caught:
        read_xml(b"<a>\n<secret-7731>7731</other-7731></a>")
    assert "7731" not in caught.value.message
    assert "line 2" in caught.value.message


@pytest.mark.parametrize(
    ("body", "content_type", "value"),
    [
        (b"<a/>", "text/xml; charset=utf-8", {"a": ""}),
        (b"<a/>", "Application/SOAP+XML", {"a": ""}),
        (b"<a/>", "", {"a": ""}),
        (b"\n<a/>", "application/x-www-form-urlencoded", {"a": ""}),
        (b"\xef\xbb\xbf<a/>", "text/plain", {"a": ""}),
        (b'{"a": 1}', "text/plain", {"a": 1}),
        (b'{"a": 1}', "application/x-www-form-urlencoded", {"a": 1}),
        (b"a=1", "application/x-www-form-urlencoded; charset=UTF-8", {"a": "1"}),
    ],
)
def test_a_body_is_read_as_what_it_is(body: bytes, content_type: str, value: Any) -> None:
    assert read_body(body, content_type) == value


@pytest.mark.parametrize(
    ("content_type", "code"), [("application/json", "body_not_json"), ("text/xml", "body_not_xml")]
)
def test_a_body_that_is_not_what_is_said(content_type: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        read_body(b"<a/>" if "json" in content_type else b'{"a": 1}', content_type)
    assert caught.value.code == code
