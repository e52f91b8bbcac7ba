"""Hostile text, and all the places that it is put into over HTTP: each is taken, or refused in words, as it is said."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.process.running import Crisp, Service, until
from tests.process.test_events import in_crisp
from tests.sinks.google import options, service_account

# What would be run or loaded, or would end a script or an attribute, if it were taken for more than text.
SEEN = "\"'><img src=x onerror=alert(1)><script>alert(2)</script></script>{{7*7}}<svg/onload=alert(3)>"
# What turns the direction of writing, has no width, or ends a line in a script.
NASTY = f"{SEEN}\u202eabc\u200b\u2028"
LONG = "<b>" * 14_000
QUOTED = NASTY.replace('"', '""')
ROW = f'"{QUOTED}","{QUOTED}","{QUOTED}",{LONG}'
FILE = f'Email,"{QUOTED}",Name,Tags,Notes\n"{QUOTED}",a,b,c,d\nfile@example.com,{ROW}\n'
CRISP = "crisp@example.com"


@dataclass
class Poisoned:
    """A service with such text in everything; `paths`: page → how often at least it shows the text."""

    service: Service
    crisp: Crisp
    server: HTTPServer
    paths: dict[str, int] = field(default_factory=dict)

    def taken(self, status: int, path: str, method: str = "POST", **sent: Any) -> Any:
        """The answer, whose status is this."""
        headers = {"Authorization": f"Bearer {self.service.key}"}
        answer = requests.request(method, self.service.url + path, headers=headers, timeout=40, **sent)
        assert answer.status_code == status, (path, answer.status_code, answer.text[:500])
        return answer.json()

    def names(self) -> None:
        """Whatever has a name. What cannot be seen is in none, but in that of a mapping."""
        website = self.taken(200, "/v1/me", "GET")["id"]
        self.taken(200, f"/v1/connections/{website}", "PATCH", json={"label": SEEN})
        google = {"kind": "google_sheets", "events": ["contact_created"], "credential": service_account()}
        for path, more in (
            ("/v1/keys", {}),
            ("/v1/inbound", {"source": "dynamics"}),
            ("/v1/sinks", {**google, "options": options()}),
        ):
            self.taken(422, path, json={"label": NASTY, **more})
            self.taken(201, path, json={"label": SEEN, **more})
        # It fits the file below, and is used for it.
        named = {"name": NASTY.replace("/", "|"), "mapping": {"data.plan": [NASTY]}}
        self.taken(201, "/v1/mappings", json=named)
        self.paths |= {"/": 3, "/triggers": 1}

    def contacts(self) -> None:
        """Every field of a person; an address that is none; names that nobody knows."""
        person = dict.fromkeys(("full_name", "nickname", "notepad", "address", "city", "job_title", "role"), NASTY)
        company = dict.fromkeys(("company_name", "company_description", "company_city", "region", "phone"), NASTY)
        told = {**person, **company, "segments": [NASTY], "data": {NASTY: NASTY, "plan": NASTY}, NASTY: NASTY}
        made = self.taken(200, "/v1/contacts", json={"email": "x@example.com", **told})
        assert made["contact"]["data"]["plan"].startswith(SEEN)
        refused = self.taken(422, "/v1/contacts", json={"email": NASTY, **told})
        self.paths |= {f"/activity/{made['outcome_id']}": 12, f"/activity/{refused['outcome_id']}": 12}
        self.paths |= {"/contacts?who=x@example.com": 10, f"/contacts?who={quote(NASTY)}": 0}

    def file(self) -> None:
        """Its name, the names and the cells of its columns, one of 40 kB."""
        sent = self.taken(202, "/v1/imports", files={"file": (f"{NASTY}.csv", FILE.encode())})
        done = self.service.finished(sent["import_id"])
        assert (done["totals"]["created"], done["totals"]["rejected"]) == (1, 1)
        self.paths |= {"/import": 1, f"/import/{sent['import_id']}": 1}

    def crisps_words(self) -> None:
        """Crisp refuses, with such a message, a contact and a row."""
        self.crisp.set(refusal=NASTY)
        refused = self.taken(422, "/v1/contacts", json={"email": CRISP})
        assert SEEN in refused["message"]
        sent = self.taken(202, "/v1/contacts/batch", json=[{"email": f"{CRISP}.example"}])
        assert self.service.finished(sent["import_id"])["totals"]["rejected"] == 1
        self.crisp.set(refusal=None)
        self.paths |= {f"/activity/{refused['outcome_id']}": 1, f"/import/{sent['import_id']}": 1, "/activity": 2}

    def vendors_words(self) -> None:
        """A system that is asked answers with such a page: nothing of it is said again."""
        self.server.expect_request("/crm/v3/objects/contacts").respond_with_data(NASTY, 400, content_type="text/html")
        made = self.taken(201, "/v1/inbound", json={"source": "hubspot", "label": SEEN, "credential": "pat-eu1-sample"})
        answer = self.service.post(f"/v1/inbound/{made['id']}/pull")
        assert (answer.status_code, answer.json()["code"]) == (422, "source_refused"), answer.text
        assert "onerror" not in answer.text

    def subscriber(self) -> None:
        """One with such an address, which answers with such a page."""
        self.server.expect_request("/hook").respond_with_handler(_refusing)
        target = self.server.url_for("/hook").replace("localhost", "127.0.0.1") + f"?a={SEEN.replace(' ', '+')}"
        made = self.taken(201, "/v1/subscriptions", json={"event": "contact_created", "target_url": target})
        tried = self.taken(200, f"/v1/subscriptions/{made['id']}/test")
        assert (tried["delivered"], tried["status"]) == (False, 500)

    def event(self) -> None:
        """Somebody is made in Crisp who has such a name."""
        in_crisp(self.crisp, "POST", "people/profile", email="event@example.com", person={"nickname": NASTY})
        [told] = until(lambda: self.taken(200, "/v1/events/contact_created", "GET"), what="the event")
        assert told["contact"]["nickname"].startswith(SEEN)
        [delivery] = until(lambda: self.taken(200, "/v1/deliveries?limit=1", "GET"), what="the delivery")
        self.paths |= {f"/triggers/deliveries/{delivery['id']}": 1}


def _refusing(_request: Request) -> Response:
    return Response(NASTY, status=f"500 {SEEN}", content_type="text/html")


def poisoned(service: Service, crisp: Crisp, server: HTTPServer) -> Poisoned:
    """Everything of the above."""
    made = Poisoned(service, crisp, server)
    for put in (
        made.names, made.contacts, made.file, made.crisps_words, made.vendors_words, made.subscriber, made.event,
    ):  # fmt: skip
        put()
    return made
