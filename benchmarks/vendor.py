"""A vendor in a process of its own: Pipedrive's API with so many persons, each page after a moment."""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

# Seconds until an answer begins.
_MOMENT = 0.05
_COMPANIES = 50


def person(number: int) -> dict[str, Any]:
    """A person as the API v2 has one."""
    email, phone = f"p{number}@example.com", f"+33 1 99 00 {number % 100:02} {number // 100 % 100:02}"
    points = {"emails": [{"value": email, "primary": True}], "phones": [{"value": phone, "primary": True}]}
    named = {"id": number, "name": f"Person {number}", "first_name": "Person", "last_name": str(number)}
    times = {"add_time": "2026-01-01T00:00:00Z", "update_time": "2026-06-01T00:00:00Z"}
    return {**named, **points, **times, "org_id": number % _COMPANIES + 1, "owner_id": 8, "custom_fields": {}}


class _Api(BaseHTTPRequestHandler):
    count = 0

    def do_GET(self) -> None:
        time.sleep(_MOMENT)
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = json.dumps(self._companies(asked) if "organizations" in parts.path else self._page(asked)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _page(self, asked: dict[str, str]) -> dict[str, Any]:
        first = int(asked.get("cursor", 0))
        after = first + int(asked["limit"])
        data = [person(number) for number in range(first + 1, min(after, self.count) + 1)]
        return {
            "success": True,
            "data": data,
            "additional_data": {"next_cursor": str(after)} if after < self.count else {},
        }

    def _companies(self, asked: dict[str, str]) -> dict[str, Any]:
        data = [{"id": int(each), "name": f"Company {each}"} for each in asked["ids"].split(",")]
        return {"success": True, "data": data, "additional_data": {}}

    def log_message(self, *_: Any) -> None:
        """No line on stderr."""


if __name__ == "__main__":
    _Api.count = int(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Api)
    print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    server.serve_forever()
