"""What nobody should send, and what may come of it."""

import gzip
import random

from werkzeug.test import TestResponse

ODD = [
    b"",
    b"\0",
    b"\xff\xfe\xfd",
    b"{}",
    b"[]",
    b"[[]]",
    b'[null, 1, "a", [], {}]',
    b"null",
    b"-0",
    b"1e400",
    b'"' + b"a" * 10_000 + b'"',
    b'{"email": {"email": {"email": "a@example.com"}}}',
    b'{"email": ["a@example.com", null, 7, {}]}',
    b'{"email": "a@example.com", "email": null}',
    b'{"email": "a@example.com", "segments": {"a": [1, {"b": null}]}, "data": [1, [2]], "people_id": 7}',
    b'{"email": "a@example.com", "data": {"": 1, "\\u0000": "\\u0000", "a": 1e308, "b": 99999999999999999999999}}',
    b'{"email": "a\\u0000@example.com", "first_name": "\\u0000", "id": "\\u0000", "people_id": "\\u0000"}',
    b'{"email": "a@example.com", "updated_at": 1e300, "created_at": -1e300, "timezone": 1e18}',
    b'{"email": "a@example.com", "updated_at": "0000-00-00", "created_at": "9999-12-31T23:59:59+99:99"}',
    b'{"mapping": {}, "records": {}}',
    b'{"mapping": {"email": "x"}, "payload": "{\\"x\\": 1}"}',
    b'{"mapping": {"email": "x"}, "payload": "[[[["}',
    b'{"records": [{"records": [{"records": []}]}]}',
    b'{"values": [[], [1], null, "x"], "majorDimension": 7, "range": {}}',
    b'{"object": "page", "properties": {"Email": {"type": "email", "email": {"x": []}}, "n": null}}',
    b'{"object": "list", "results": [null, 7, {"object": "page"}]}',
    b'{"@odata.context": 7, "value": {"value": 1}}',
    b'{"InputParameters": [{"key": "Target", "value": 7}], "MessageName": []}',
    b"[" * 5000 + b"]" * 5000,
    b'{"a":' * 3000 + b"1" + b"}" * 3000,
    b'{"ids": ["\\u0000"], "code": "\\u0000", "import_id": "\\u0000"}',
    b'{"since": "9999-12-31T23:59:59-23:59", "until": "0001-01-01T00:00:00+23:59"}',
    b'{"label": "\\ud83d\\ude00", "scopes": ["read", "read"]}',
    b'{"name": "\\u202e", "mapping": {"email": ["a", "a"]}}',
    b"email=a%00b&data[=x&data]]=y&[]=z&a[b=c&=",
    b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
    b'--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=zebra\r\n\r\nx\r\n--b--\r\n',
    gzip.compress(b'{"email": "a@example.com"}')[:-3],
    b"\x1f\x8b\x08\x00",
    b"a" * 10_000_000,
]
TYPES = [
    "application/json",
    "application/x-ndjson",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "multipart/form-data; boundary=\xff",
    "application/vnd.api+json",
    "text/plain",
    ";;;",
    "",
]
# As a server hands them on: header values are Latin-1 there, and nothing was checked.
HEADERS: list[dict[str, str]] = [
    {},
    {"HTTP_CONTENT_ENCODING": "gzip"},
    {"HTTP_CONTENT_ENCODING": "\xff"},
    {"HTTP_IDEMPOTENCY_KEY": "\xff\xfe" * 100},
    {"HTTP_IDEMPOTENCY_KEY": "a\0b"},
    {"HTTP_X_CONNECTOR_MAPPING": "\xff\0"},
    {"HTTP_X_REQUEST_ID": "\xff" * 20},
    {"HTTP_HOST": "a b/c?d"},
    {"HTTP_HOST": ""},
    {"CONTENT_LENGTH": "-1"},
    {"CONTENT_LENGTH": "zebra"},
    {"CONTENT_LENGTH": ""},
    {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": "1"},
    {"HTTP_AUTHORIZATION": "Bearer \xff\0"},
    {"HTTP_AUTHORIZATION": "Basic !!!"},
    {"HTTP_AUTHORIZATION": "Digest a=b,"},
    {"HTTP_X_API_KEY": "\xff\xfe", "HTTP_AUTHORIZATION": ""},
    {"HTTP_ACCEPT": "\xff;q=zebra"},
    {"HTTP_RANGE": "bytes=-1"},
    {"HTTP_IF_MODIFIED_SINCE": "zebra", "HTTP_IF_NONE_MATCH": '"'},
    {"HTTP_COOKIE": "a=\xff; ;;="},
    {"HTTP_EXPECT": "100-continue"},
    {"HTTP_X_FORWARDED_FOR": "\xff"},
    {"REQUEST_METHOD": "\xc3\xa9"},
]
QUERIES = [
    "",
    "%00",
    "a=%ff&a=%ed%a0%80",
    "source=%00&mode=%00&wait=1e999",
    "cursor=\xff&limit=99999999999999999999",
    "&&&=;",
]
SEGMENTS = [
    "a",
    "%00",
    "%ed%a0%80",
    "..",
    "ada%40example.com",
    "a" * 3000,
    "%F0%9F%98%80",
    "%2e%2e%2f",
    "\xff",
    "@",
    "a@b",
]


def fine(answer: TestResponse, *, page: bool = False) -> None:
    """No 5xx, and an error is a problem; to a browser that asks for a page it is one."""
    assert answer.status_code < 500, answer.get_data(as_text=True)[:500]
    if answer.status_code >= 400 and answer.request.method != "HEAD":
        kind = "text/html" if page else "application/problem+json"
        assert answer.mimetype == kind, (answer.request.path, answer.get_data(as_text=True)[:500])


def filled(path: str, dice: random.Random) -> str:
    """The path with something in place of each parameter."""
    while "{" in path:
        head, _, rest = path.partition("{")
        path = head + dice.choice(SEGMENTS) + rest.partition("}")[2]
    return path
