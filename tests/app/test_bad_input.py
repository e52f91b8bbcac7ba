"""Everything that can be wrong with a request, in one table: what is answered, and that nothing came of it."""

import gzip
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.api import contacts, previewing
from connector.intake import reading
from tests.app.stack import DATABASES, Crisp, Stack, finished, problem

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)

ONE, MANY, PREVIEW = "/v1/contacts", "/v1/contacts/batch", "/v1/preview"
JSON, LINES = "application/json", "application/x-ndjson"
# A value that no answer may show, whatever is wrong with it.
SECRET = "zebra-7731007731"
_REMEDY = re.compile(
    r"\b(Send|Use|Look|Make|Split|Save|Name|Map|Check|Correct|Create|Give|Take|Must|must|Set|lists them|Not a valid|"
    r"Missing data|not permitted|Unknown field|At most|Shorter|Longer)\b"
)


@dataclass(frozen=True)
class Case:
    """One bad request. `names`: the field or parameter that the answer names; `row`: the row that it names."""

    id: str
    status: int
    code: str
    body: bytes | str = b'{"email": "ada@example.com"}'
    path: str = ONE
    method: str = "POST"
    type: str | None = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    names: str | None = None
    row: int | None = None

    @property
    def sent(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else self.body


def body(id_: str, status: int, code: str, sent: bytes | str, **more: Any) -> Case:
    return Case(f"body: {id_}", status, code, sent, **more)


def query(id_: str, sent: str, name: str, path: str = ONE) -> Case:
    return Case(f"query: {id_}", 422, "parameter_invalid", path=f"{path}?{sent}", names=name)


def mapped(id_: str, code: str, mapping: str, name: str | None = None, record: str = "{}") -> Case:
    sent = f'{{"mapping": {mapping}, "record": {record}}}'
    return Case(f"mapping: {id_}", 422, code, sent, names=name)


def encoded(id_: str, encoding: str, sent: bytes, status: int = 400, code: str = "body_bad_encoding") -> Case:
    return Case(f"encoding: {id_}", status, code, sent, headers={"Content-Encoding": encoding})


def deep(levels: int) -> str:
    return '{"email": "ada@example.com", "x": ' + "[" * levels + "]" * levels + "}"


ZIPPED = gzip.compress(b'{"email": "ada@example.com"}')

BODIES = [
    body("not JSON", 400, "body_not_json", f'{{"email": "{SECRET}'),
    body("empty", 400, "body_not_json", b""),
    body("white space", 400, "body_not_json", b" \n"),
    body("two values", 400, "body_not_json", b"{} {}"),
    body("single quotes", 400, "body_not_json", f"{{'email': '{SECRET}'}}"),
    body("number", 400, "body_not_records", b"7731007731"),
    body("true", 400, "body_not_records", b"true"),
    body("null", 400, "body_not_records", b"null"),
    body("text", 400, "body_not_records", f'"{SECRET}"'),
    body("NaN", 400, "body_bad_number", b'{"email": "ada@example.com", "data": {"score": NaN}}'),
    body("Infinity", 400, "body_bad_number", b'{"email": "ada@example.com", "data": {"score": Infinity}}'),
    body("-Infinity", 400, "body_bad_number", b'{"email": "ada@example.com", "data": {"score": -Infinity}}'),
    body("1e999", 400, "body_bad_number", b'{"email": "ada@example.com", "data": {"score": 1e999}}'),
    body("huge integer", 400, "body_bad_number", b'{"score": ' + b"9" * 5000 + b"}"),
    body("lone surrogate", 400, "body_bad_text", b'{"email": "ada@example.com", "first_name": "\\ud800"}'),
    body("lone surrogate in a key", 400, "body_bad_text", b'{"email": "ada@example.com", "\\udfff": 1}'),
    body("invalid UTF-8", 400, "body_not_utf8", b'{"email": "\xff\xfe"}'),
    body("UTF-16", 400, "body_not_utf8", '{"email": "ada@example.com"}'.encode("utf-16")),
    body("51 levels", 400, "body_too_deep", deep(50)),
    body("a million levels", 400, "body_too_deep", b"[" * 400_000 + b"]" * 400_000),
    body("over 1 MB", 413, "body_too_large", b'{"email": "' + b"a" * 1_000_000 + b'"}'),
    body("JSON of too many bytes in a text", 400, "body_not_records", b'{"mapping": {}, "record": "7731007731"}'),
    body("several records", 422, "several_records", b'[{"email": "a@example.com"}, {"email": "b@example.com"}]'),
    body("lines on the single route", 422, "several_records", b"{}\n{}", type=LINES),
]
ENCODINGS = [
    encoded("truncated gzip", "gzip", ZIPPED[:-9]),
    encoded("gzip that is none", "gzip", b'{"email": "ada@example.com"}'),
    encoded("gzip with a second member", "gzip", ZIPPED + ZIPPED),
    encoded("gzip with something after it", "gzip", ZIPPED + b"more"),
    encoded("gzip of nothing", "gzip", b""),
    encoded("gzip sent as it is", "", ZIPPED, code="body_not_utf8"),
    encoded("broken checksum", "gzip", ZIPPED[:-8] + b"\0" * 8),
    encoded("raw deflate", "deflate", zlib.compress(b"{}")[2:-4]),
    encoded("brotli", "br", b"\x0b\x02\x80{}\x03"),
    encoded("unknown", "x-zebra", b'{"email": "ada@example.com"}'),
    encoded("twice", "gzip, gzip", gzip.compress(ZIPPED)),
    encoded("bomb", "gzip", gzip.compress(b" " * 100_000_000, 1), 413, "body_too_large"),
]
TYPES = [
    Case("type: plain text", 415, "content_type_unknown", type="text/plain"),
    Case("type: XML that is JSON", 400, "body_not_xml", type="application/xml"),
    body("XML that is none", 400, "body_not_xml", f"<a><{SECRET}></a>", type="text/xml"),
    body("XML with a DOCTYPE", 400, "body_doctype", b"<!DOCTYPE a><a/>", type="application/xml"),
    body(
        "XML of many laughs",
        400,
        "body_doctype",
        b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "'
        + b"&b;" * 500
        + b'"><!ENTITY d "'
        + b"&c;" * 500
        + b'">]><a>&d;</a>',
        type="text/xml",
    ),
    body(
        "XML that names a file",
        400,
        "body_doctype",
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a><email>&b;</email></a>',
        type="text/xml",
    ),
    body("XML too deep", 400, "body_too_deep", b"<a>" * 60 + b"</a>" * 60, type="text/xml"),
    body("XML without a person", 422, "email_missing", b"<a><b>c</b></a>", type="text/xml"),
    Case("type: nonsense", 415, "content_type_unknown", type="zebra"),
    Case("type: form without boundary", 400, "request_invalid", type="multipart/form-data"),
    Case(
        "type: form with a file",
        415,
        "content_type_unknown",
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.csv"\r\n\r\nemail\r\n--b--\r\n',
        type="multipart/form-data; boundary=b",
    ),
    Case("type: form of invalid UTF-8", 400, "body_not_utf8", b"email=\xff", type="application/x-www-form-urlencoded"),
    Case(
        "type: form of escaped invalid UTF-8",
        400,
        "body_not_utf8",
        b"email=%ff",
        type="application/x-www-form-urlencoded",
    ),
    Case(
        "type: form of 5001 fields",
        413,
        "body_too_large",
        b"a=1&" * 5001,
        type="application/x-www-form-urlencoded",
    ),
]
QUERIES = [
    query("unknown source", f"source={SECRET}", "source"),
    query("unknown source of many", f"source={SECRET}", "source", MANY),
    query("unknown source of a preview", f"source={SECRET}", "source", PREVIEW),
    query("unknown mode", f"mode={SECRET}", "mode"),
    query("unknown country", "country=ZZ", "country"),
    query("country by name", "country=France", "country"),
    query("unknown time zone", f"timezone={SECRET}", "timezone"),
    query("time zone that is a path", "timezone=../../etc/passwd", "timezone"),
    query("wait that is no number", f"wait={SECRET}", "wait"),
    query("negative wait", "wait=-1", "wait"),
    query("long wait", "wait=26", "wait"),
    query("wait of NaN", "wait=nan", "wait"),
    query("wait of infinity", "wait=inf", "wait"),
    query("unmapped", f"unmapped={SECRET}", "unmapped"),
]
MAPPINGS = [
    mapped("unknown field", "mapping_field_unknown", '{"shoe_size": "Size"}', "shoe_size"),
    mapped("data itself", "mapping_field_unknown", '{"data": "Size"}', "data"),
    mapped("data key that Crisp refuses", "mapping_field_unknown", '{"data.shoe size": "Size"}', "data.shoe size"),
    mapped("path that is a number", "mapping_invalid", '{"email": 7731007731}', "email"),
    mapped("path that is empty", "mapping_invalid", '{"email": " "}', "email"),
    mapped("no path", "mapping_invalid", '{"email": []}', "email"),
    mapped("paths that are objects", "mapping_invalid", '{"email": [{"path": "E"}]}', "email"),
    mapped("path that no record has", "mapping_path_missing", '{"email": "Courriel"}', "email", '{"Mail": "x"}'),
    Case("mapping: saved one that is not there", 404, "mapping_missing", headers={"X-Connector-Mapping": SECRET}),
    Case(
        "mapping: saved one of any characters", 404, "mapping_missing", headers={"X-Connector-Mapping": "\u00e9" * 300}
    ),
]
EMAILS = [
    body("no email", 422, "email_missing", f'{{"first_name": "{SECRET}"}}', names="email", row=1),
    body("empty object", 422, "email_missing", "{}", names="email", row=1),
    body("blank email", 422, "email_missing", '{"email": " "}', names="email", row=1),
    body("bad email", 422, "email_invalid", f'{{"email": "{SECRET}"}}', names="email", row=1),
    body("email with two at", 422, "email_invalid", f'{{"email": "{SECRET}@@example.com"}}', names="email", row=1),
    body("email of 300", 422, "email_invalid", f'{{"email": "{"a" * 288}@example.com"}}', names="email", row=1),
    body("email that is a number", 422, "email_invalid", '{"email": 7731007731}', names="email", row=1),
    body("named source cannot read it", 422, "record_invalid", '{"email": 1}', path=f"{ONE}?source=notion", row=1),
]
ADDRESSES = [
    Case("address: unknown", 404, "not_found", path="/v1/zebra-7731007731"),
    Case("address: two slashes", 404, "not_found", path="/v1//contacts"),
    Case("method: DELETE of all", 405, "method_not_allowed", path=ONE, method="DELETE"),
    Case("method: GET of preview", 405, "method_not_allowed", path=PREVIEW, method="GET"),
    Case("method: invented", 405, "method_not_allowed", path=ONE, method="ZEBRA"),
    Case("who: two at", 422, "who_invalid", path=f"{ONE}/{SECRET}@@example.com", method="GET"),
    Case("who: half an email", 422, "who_invalid", path=f"{ONE}/{SECRET}@", method="PATCH"),
    Case("who: a path", 422, "who_invalid", path=f"{ONE}/..%2f..", method="DELETE"),
    Case("who: NUL", 404, "not_found", path=f"{ONE}/a%00b", method="GET"),
    Case("who: space", 422, "who_invalid", path=f"{ONE}/%20", method="PATCH"),
    Case("who: half a character", 422, "who_invalid", path=f"{ONE}/%ed%a0%80", method="GET"),
    Case("who: too long", 422, "who_invalid", path=f"{ONE}/{'a' * 65}", method="GET"),
    Case("PATCH: list", 400, "body_not_records", "[]", path=f"{ONE}/ada@example.com", method="PATCH"),
    Case(
        "PATCH data: text", 400, "body_not_records", f'"{SECRET}"', path=f"{ONE}/ada@example.com/data", method="PATCH"
    ),
    Case("cursor: of rows", 404, "import_missing", path="/v1/imports/zebra-7731007731/records?cursor=1", method="GET"),
    Case(
        "cursor: not a row",
        422,
        "parameter_invalid",
        path="/v1/imports/x/records?cursor=-1",
        method="GET",
        names="cursor",
    ),
    Case(
        "cursor: not an id",
        422,
        "parameter_invalid",
        path="/v1/outcomes?cursor=zebra-7731007731",
        method="GET",
        names="cursor",
    ),
    Case("cursor: NUL", 422, "parameter_invalid", path="/v1/imports?cursor=%00", method="GET", names="cursor"),
    Case("limit: 0", 422, "parameter_invalid", path="/v1/outcomes?limit=0", method="GET", names="limit"),
    Case("limit: 501", 422, "parameter_invalid", path="/v1/imports?limit=501", method="GET", names="limit"),
    Case("limit: words", 422, "parameter_invalid", path=f"/v1/imports?limit={SECRET}", method="GET", names="limit"),
    Case(
        "status: unknown", 422, "parameter_invalid", path=f"/v1/outcomes?status={SECRET}", method="GET", names="status"
    ),
    Case("outcome: unknown", 404, "outcome_missing", path=f"/v1/outcomes/{SECRET}", method="GET"),
    Case("outcome: NUL", 404, "not_found", path="/v1/outcomes/%00", method="GET"),
    Case("import: unknown", 404, "import_missing", path=f"/v1/imports/{SECRET}", method="GET"),
    Case("import: NUL", 404, "not_found", path="/v1/imports/%00", method="GET"),
    Case("key: unknown", 404, "key_unknown", path=f"/v1/keys/{SECRET}", method="DELETE"),
    Case("key: NUL", 404, "not_found", path="/v1/keys/%00", method="DELETE"),
    Case("mapping: unknown", 404, "mapping_missing", path=f"/v1/mappings/{SECRET}", method="DELETE"),
    Case("mapping: NUL", 404, "not_found", path="/v1/mappings/%00", method="DELETE"),
    Case(
        "mapping: name too long",
        422,
        "parameter_invalid",
        "{}",
        path=f"/v1/mappings/{'a' * 129}",
        method="PUT",
        names="name",
    ),
    Case(
        "idempotency: key too long",
        422,
        "parameter_invalid",
        headers={"Idempotency-Key": "k" * 256},
        names="Idempotency-Key",
    ),
    Case(
        "idempotency: key that cannot be seen",
        422,
        "parameter_invalid",
        headers={"Idempotency-Key": "a\x07b"},
        names="Idempotency-Key",
    ),
]
REPLAY = "/v1/outcomes/replay"
SCHEMAS = [
    Case("replay: of nothing", 422, "parameter_invalid", "{}", path=REPLAY, names="ids"),
    Case("replay: unknown condition", 422, "parameter_invalid", f'{{"zebra": "{SECRET}"}}', path=REPLAY, names="zebra"),
    Case(
        "replay: id that is not there", 404, "outcome_missing", f'{{"ids": ["{SECRET}"]}}', path=REPLAY, names="ids.0"
    ),
    Case("replay: import that is not there", 404, "import_missing", f'{{"import_id": "{SECRET}"}}', path=REPLAY),
    Case("replay: id that is a number", 422, "parameter_invalid", '{"ids": [7731007731]}', path=REPLAY, names="ids.0"),
    Case(
        "replay: too many ids",
        422,
        "parameter_invalid",
        '{"ids": [' + ",".join(['"a"'] * 40_000) + "]}",
        path=REPLAY,
        names="ids",
    ),
    Case(
        "replay: time without zone",
        422,
        "parameter_invalid",
        '{"since": "2024-05-31T09:30:00"}',
        path=REPLAY,
        names="since",
    ),
    Case("replay: not an object", 400, "body_not_records", f'["{SECRET}"]', path=REPLAY),
    Case("replay: not JSON", 400, "body_not_json", f"{SECRET}", path=REPLAY),
    Case("replay: NaN", 400, "body_bad_number", '{"ids": NaN}', path=REPLAY),
    Case("replay: half a character", 400, "body_bad_text", '{"ids": ["\\ud800"]}', path=REPLAY),
    Case("replay: deep", 400, "body_too_deep", deep(100_000), path=REPLAY),
    Case("replay: too large", 413, "body_too_large", '{"code": "' + "a" * 1_000_000 + '"}', path=REPLAY),
    Case(
        "keys: unknown scope",
        422,
        "parameter_invalid",
        f'{{"scopes": ["{SECRET}"]}}',
        path="/v1/keys",
        names="scopes.0",
    ),
    Case("keys: no scope", 422, "parameter_invalid", '{"scopes": []}', path="/v1/keys", names="scopes"),
    Case("keys: label with NUL", 422, "parameter_invalid", '{"label": "a\\u0000b"}', path="/v1/keys", names="label"),
    Case("keys: label in two lines", 422, "parameter_invalid", '{"label": "a\\nb"}', path="/v1/keys", names="label"),
    Case("keys: long label", 422, "parameter_invalid", f'{{"label": "{"a" * 201}"}}', path="/v1/keys", names="label"),
    Case("mappings: no name", 422, "parameter_invalid", '{"mapping": {}}', path="/v1/mappings", names="name"),
    Case(
        "mappings: unknown field",
        422,
        "mapping_field_unknown",
        '{"name": "n", "mapping": {"zebra": "x"}}',
        path="/v1/mappings",
        names="zebra",
    ),
    Case("mappings: PUT of a list", 422, "mapping_invalid", "[]", path="/v1/mappings/n", method="PUT"),
]
NOBODY = "Bearer ck_" + "0" * 43
KEYS = [
    Case("key: none", 401, "key_missing", headers={"Authorization": ""}),
    Case("key: none for a preview", 401, "key_missing", path=PREVIEW, headers={"Authorization": ""}),
    Case("key: wrong", 401, "key_invalid", headers={"Authorization": NOBODY}),
    Case("key: wrong in X-API-Key", 401, "key_invalid", headers={"Authorization": "", "X-API-Key": SECRET}),
    Case("key: wrong scheme", 401, "key_missing", headers={"Authorization": f"Basic {SECRET}"}),
    Case("key: not ASCII", 401, "key_invalid", headers={"Authorization": "Bearer \u00ff\u00fe"}),
    Case("key: looked at before the query", 401, "key_missing", path=f"{ONE}?mode=x", headers={"Authorization": ""}),
    Case("key: looked at before the body", 401, "key_missing", b"{", headers={"Authorization": ""}),
]
CASES = [*KEYS, *BODIES, *ENCODINGS, *TYPES, *QUERIES, *MAPPINGS, *EMAILS, *ADDRESSES, *SCHEMAS]


def send(client: FlaskClient, case: Case) -> Any:
    return client.open(
        case.path, method=case.method, data=case.sent, content_type=case.type, headers=dict(case.headers)
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_bad_request_says_what_is_wrong_and_changes_nothing(stack: Stack, case: Case) -> None:
    answer = send(stack.client(), case)
    told = problem(answer, case.status, case.code)
    assert _REMEDY.search(told["message"]), f"no remedy in: {told['message']}"
    if case.names:
        assert case.names in [each["field"] for each in told["errors"]], told
    if case.row:
        assert told["errors"][0]["row"] == case.row
    assert all(_REMEDY.search(each["message"]) for each in told["errors"]), told["errors"]
    assert SECRET not in answer.get_data(as_text=True)
    assert "7731007731" not in answer.get_data(as_text=True)
    assert stack.crisp.calls == 0
    assert _kept(stack) == (1 if case.code in ("email_missing", "email_invalid", "record_invalid") else 0)
    assert [key["label"] for key in stack.client().get("/v1/keys").get_json()] == ["CONNECTOR_API_KEY"]


def _kept(stack: Stack) -> int:
    """Rejected records are kept, as outcomes; everything else that is refused leaves no trace."""
    rejected = stack.client().get("/v1/outcomes?status=rejected").get_json()
    assert len(rejected) == stack.count()
    return len(rejected)


SCOPES = [
    ("read", "POST", ONE),
    ("read", "POST", MANY),
    ("read", "PATCH", f"{ONE}/ada@example.com"),
    ("read", "PATCH", f"{ONE}/ada@example.com/data"),
    ("read", "DELETE", f"{ONE}/ada@example.com"),
    ("read", "POST", REPLAY),
    ("read", "PUT", "/v1/mappings/n"),
    ("read", "DELETE", "/v1/mappings/n"),
    ("write", "GET", "/v1/keys"),
    ("write", "POST", "/v1/keys"),
    ("write", "DELETE", "/v1/keys/x"),
]


@pytest.mark.parametrize(("scope", "method", "path"), SCOPES)
def test_a_key_may_do_what_its_scope_says(stack: Stack, scope: str, method: str, path: str) -> None:
    client = stack.client(stack.key(scope))
    answer = client.open(path, method=method, json={"email": "ada@example.com"})
    told = problem(answer, 403, "scope_missing")
    assert "Use a key that has it" in told["message"]
    assert (stack.count(), stack.crisp.calls) == (0, 0)


def test_a_revoked_key_is_as_good_as_none(stack: Stack) -> None:
    secret = stack.key("write")
    client = stack.client(secret)
    assert client.get("/v1/me").status_code == 200
    key_id = next(key["id"] for key in stack.client().get("/v1/keys").get_json() if key["label"] == "a test")
    assert stack.client().delete(f"/v1/keys/{key_id}").get_json() == {"revoked": True}
    answer = client.get("/v1/me")
    problem(answer, 401, "key_invalid")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert secret not in answer.get_data(as_text=True)


def test_method_not_allowed_says_which_are(api: FlaskClient) -> None:
    answer = api.delete(ONE)
    problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
    assert "redirect" not in answer.get_json()["message"]
    redirected = problem(api.get(ONE), 405, "method_not_allowed")
    assert "If you sent a POST, a redirect made a GET of it" in redirected["message"]


@pytest.mark.parametrize("path", [MANY, PREVIEW])
def test_a_body_of_many_has_a_limit_of_its_own(stack: Stack, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (contacts, previewing):
        monkeypatch.setattr(module, "BATCH_LIMIT", 2_000_000)
    big = b'[{"email": "ada@example.com", "x": "' + b"a" * 2_000_000 + b'"}]'
    for sent, headers in ((big, {}), (gzip.compress(big), {"Content-Encoding": "gzip"})):
        told = problem(stack.client().post(path, data=sent, content_type=JSON, headers=headers), 413, "body_too_large")
        assert "2 MB" in told["message"]
    told = problem(stack.client().post(path, data=big, content_type=LINES), 413, "body_too_large")
    assert (stack.count(), stack.crisp.calls) == (0, 0)


def test_a_declared_length_over_the_limit_is_refused_before_anything_is_read(api: FlaskClient) -> None:
    class Unread:
        def read(self, *_: int) -> bytes:
            raise AssertionError("the body was read")

    environ = {"CONTENT_LENGTH": "50000001", "wsgi.input": Unread()}
    answer = api.post(MANY, content_type=JSON, environ_overrides=environ)
    assert "50 MB" in problem(answer, 413, "body_too_large")["message"]


def test_too_many_records_are_refused_whole(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_RECORDS", 3)
    sent = [{"email": f"a{number}@example.com"} for number in range(4)]
    for answer in (
        stack.client().post(MANY, json=sent),
        stack.client().post(PREVIEW, json=sent),
        stack.client().post(MANY, data=b'{"email": "a@example.com"}\n' * 4, content_type=LINES),
    ):
        told = problem(answer, 413, "too_many_records")
        assert "more than 3 records" in told["message"]
    assert (stack.count(), stack.crisp.calls) == (0, 0)
    accepted = stack.client().post(MANY, json=sent[:3])
    assert accepted.status_code == 202
    finished(stack.client(), accepted.get_json()["import_id"])  # else a call of it may reach the next test's Crisp


GOOD: list[tuple[str, Callable[[FlaskClient], Any], str]] = [
    ("a mark before UTF-8", lambda api: api.post(ONE, data=b'\xef\xbb\xbf{"email": "a@example.com"}'), "a@example.com"),
    ("no content type", lambda api: api.post(ONE, data=b'{"email": "a@example.com"}'), "a@example.com"),
    (
        "JSON with a charset",
        lambda api: api.post(ONE, data=b'{"email": "a@example.com"}', content_type="application/json; charset=utf-8"),
        "a@example.com",
    ),
    (
        "gzip",
        lambda api: api.post(ONE, data=ZIPPED, content_type=JSON, headers={"Content-Encoding": "gzip"}),
        "ada@example.com",
    ),
    (
        "deflate",
        lambda api: api.post(
            ONE, data=zlib.compress(b'{"email": "a@example.com"}'), headers={"Content-Encoding": "Deflate"}
        ),
        "a@example.com",
    ),
    (
        "identity",
        lambda api: api.post(ONE, json={"email": "a@example.com"}, headers={"Content-Encoding": "identity"}),
        "a@example.com",
    ),
    ("50 levels", lambda api: api.post(ONE, data=deep(49)), "ada@example.com"),
    (
        "a Unicode domain",
        lambda api: api.post(ONE, json={"email": "Ada@xn--bcher-kva.example"}),
        "ada@b\u00fccher.example",
    ),
    (
        "whole characters, escaped",
        lambda api: api.post(ONE, data=b'{"email":"a@example.com","first_name":"\\ud83d\\ude00"}'),
        "a@example.com",
    ),
    (
        "a key given twice",
        lambda api: api.post(ONE, data=b'{"email":"b@example.com","email":"a@example.com"}'),
        "a@example.com",
    ),
    ("a list of one", lambda api: api.post(ONE, json=[{"email": "a@example.com"}]), "a@example.com"),
    (
        "X-API-Key",
        lambda api: api.post(
            ONE,
            json={"email": "a@example.com"},
            headers={"Authorization": "", "X-API-Key": api.environ_base["HTTP_AUTHORIZATION"].removeprefix("Bearer ")},
        ),
        "a@example.com",
    ),
]


@pytest.mark.parametrize(("ask", "email"), [case[1:] for case in GOOD], ids=[case[0] for case in GOOD])
def test_what_looks_odd_and_is_good(stack: Stack, ask: Callable[[FlaskClient], Any], email: str) -> None:
    answer = ask(stack.client())
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.get_json()["email"] == email
    assert len(stack.crisp.people()) == 1


class TestIdempotencyKey:
    """The same key and body give the same answer; the same key and another body are refused."""

    def test_of_one(self, api: FlaskClient, crisp: Crisp) -> None:
        sent: dict[str, Any] = {"json": {"email": "ada@example.com"}, "headers": {"Idempotency-Key": "order-1"}}
        first, second = api.post(ONE, **sent), api.post(ONE, **sent)
        assert first.get_json() == second.get_json()
        assert first.get_json()["status"] == "created"
        assert crisp.stats()["calls"]["total"] == first.get_json()["calls"]

    def test_of_many(self, api: FlaskClient, stack: Stack) -> None:
        sent: dict[str, Any] = {"json": [{"email": "ada@example.com"}], "headers": {"Idempotency-Key": "order-1"}}
        first = api.post(MANY, **sent)
        ended = finished(api, first.get_json()["import_id"])
        second = api.post(MANY, **sent)
        assert (first.status_code, second.status_code) == (202, 202)
        assert second.get_json() == {"import_id": ended["id"], **ended}
        assert stack.count() == 1

    def test_of_a_rejected_record(self, api: FlaskClient, stack: Stack) -> None:
        sent: dict[str, Any] = {"json": {"first_name": "Ada"}, "headers": {"Idempotency-Key": "order-1"}}
        first, second = api.post(ONE, **sent), api.post(ONE, **sent)
        told = [problem(answer, 422, "email_missing") for answer in (first, second)]
        assert told[0]["outcome_id"] == told[1]["outcome_id"]
        assert stack.count() == 1

    @pytest.mark.parametrize(
        "other",
        [
            {"path": ONE, "json": {"email": "bob@example.com"}},
            {"path": f"{ONE}?mode=create", "json": {"email": "ada@example.com"}},
            {"path": MANY, "json": {"email": "ada@example.com"}},
            {"path": f"{ONE}/ada@example.com", "method": "PATCH", "json": {"email": "ada@example.com"}},
        ],
        ids=["another body", "another query", "another route", "another method"],
    )
    def test_with_another_request(self, api: FlaskClient, stack: Stack, other: dict[str, Any]) -> None:
        headers = {"Idempotency-Key": "order-1"}
        api.post(ONE, json={"email": "ada@example.com"}, headers=headers)
        calls = stack.crisp.calls
        answer = api.open(headers=headers, **{"method": "POST", **other})
        assert "new key" in problem(answer, 409, "idempotency_mismatch")["message"]
        assert (stack.count(), stack.crisp.calls) == (1, calls)

    def test_with_another_batch(self, api: FlaskClient, stack: Stack) -> None:
        headers = {"Idempotency-Key": "order-1"}
        first = api.post(MANY, json=[{"email": "ada@example.com"}], headers=headers)
        finished(api, first.get_json()["import_id"])
        answer = api.post(MANY, json=[{"email": "bob@example.com"}], headers=headers)
        problem(answer, 409, "idempotency_mismatch")
        assert stack.count() == 1

    def test_is_one_connection_and_day_of_its_own(self, api: FlaskClient) -> None:
        for key in ("order-1", "order-2"):
            answer = api.post(ONE, json={"email": "ada@example.com"}, headers={"Idempotency-Key": key})
            assert answer.status_code == 200
        assert len(api.get("/v1/outcomes").get_json()) == 2
