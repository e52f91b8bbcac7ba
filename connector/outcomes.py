"""Outcomes: what became of a record, as it is answered everywhere."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Row

from connector.convert.times import moment_of
from connector.errors import CODES, Detail, Problem
from connector.manifest import Field
from connector.notes import CODES as NOTES
from connector.notes import again
from connector.saying import say

# Why a record waits. A reason that is not here is one of Crisp or of the network: it is tried again.
WAITING = {
    "connection_halted": say(
        "This connection's credential does not work. The record is kept and goes out when it does."
    ),
    "quota_used_up": say("Crisp's daily quota is used up. The record is kept and goes out when there is quota again."),
    "crisp_rate_limited": say("Crisp asked for a pause. The record is kept and goes out after it."),
    "in_progress": say("The record is on its way to Crisp."),
    "import_paused": say("The import of this record is paused. The record is kept and goes out when it is resumed."),
    "crisp_unreachable": say("Crisp could not be reached. The record is kept and is tried again."),
    "crisp_redirected": say("Crisp's address sends calls elsewhere. The record is kept until CRISP_API_URL is right."),
}
# Why a connection is halted.
HALTED = {
    "crisp_credential_refused": say("Crisp refuses its credential (401)."),
    "crisp_plan_too_small": say("Its Crisp plan does not have the API (402)."),
    "crisp_not_allowed": say("Its token may not use contacts (403)."),
    "crisp_website_missing": say("Crisp does not have this website (404)."),
    "credential_unreadable": say("Its stored credential cannot be opened: the secret key is another."),
}
# Notes that are told of a record without one of its values.
_WHOLE = ("import_cancelled",)
_TRIED_AGAIN = say("Crisp did not take it just now. The record is kept and is tried again.")


def as_json(row: Row[Any], *, retry_at: int | None = None, reason: str | None = None) -> dict[str, Any]:
    """`{status, email, people_id, source, contact, changed, calls, notes, outcome_id}`; beside them, where they apply,
    `reason` and `retry_at` (waiting), `superseded_by`, `code` and `message` (rejected, dead, waiting)."""
    answer: dict[str, Any] = {
        "status": row.status,
        "email": row.email,
        "people_id": row.people_id,
        "source": row.source,
        "contact": row.contact,
        "changed": row.changed,
        "calls": row.calls,
        "notes": again(row.notes),
        "outcome_id": row.id,
    }
    if row.status == "waiting":
        code = _why_waiting(row, reason)
        answer |= {"reason": code, "message": WAITING.get(code, _TRIED_AGAIN), "retry_at": moment_of(retry_at)}
    elif row.status == "superseded":
        answer["superseded_by"] = row.superseded_by
    elif row.status in ("rejected", "dead"):
        answer |= {"code": row.code, "message": message_of(row)}
    return answer


def whole(row: Row[Any], **waiting: Any) -> dict[str, Any]:
    """One outcome with its history: attempts, and each call's time, route and answer."""
    trail = [{**entry, "at": moment_of(entry["at"])} for entry in row.trail]
    times = {"created_at": moment_of(row.created_at), "finished_at": moment_of(row.finished_at)}
    about = {"import_id": row.import_id, "row": row.row, "mode": row.mode, "attempts": row.attempts}
    return {**as_json(row, **waiting), **about, **times, "trail": trail}


def of_import(row: Row[Any]) -> dict[str, Any]:
    """A record of an import: `{row, status, email, people_id, notes, calls, outcome_id}`, and why where it failed."""
    names = ("row", "status", "email", "people_id", "calls")
    shown = {**{name: getattr(row, name) for name in names}, "notes": again(row.notes), "outcome_id": row.id}
    if row.status in ("rejected", "dead"):
        shown |= {"code": row.code, "message": message_of(row)}
    return shown


def of_arrival(row: Row[Any], *, reason: str | None = None) -> dict[str, Any]:
    """A record that came to an inbound address: `{row, status}`, `email` where it has one, and `code` and `message`
    where it waits or failed."""
    shown = {"row": row.row, "status": row.status, **({"email": row.email} if row.email else {})}
    if row.status == "waiting":
        code = _why_waiting(row, reason)
        shown |= {"code": code, "message": WAITING.get(code, _TRIED_AGAIN)}
    elif row.status in ("rejected", "dead"):
        shown |= {"code": row.code, "message": message_of(row)}
    return shown


def _why_waiting(row: Row[Any], reason: str | None) -> str:
    return reason or row.code or "in_progress"


def sentence_of(code: str) -> str:
    """The sentence of a code of which nothing more was kept; its title where the sentence needs to be told more."""
    _, title, sentence = CODES.get(code) or (422, "Rejected", NOTES[code][1])
    return f"{title}." if "{" in sentence else sentence


def message_of(row: Row[Any]) -> str:
    """Why a record was rejected or given up, in one sentence."""
    if row.status == "dead":
        return say(
            "Crisp could not be reached for too long ({code}). The record is kept; replay it later.", code=row.code
        )
    return why_rejected(row.code, row.notes, row.detail)


def why_rejected(code: str, notes: Iterable[Mapping[str, Any]], detail: Mapping[str, Any] | None) -> str:
    """The sentence of a record that was rejected for this; `notes` and `detail` as the ledger keeps them."""
    mine = (each for each in notes if each["code"] == code and each["level"] == "error")
    said = next((each["message"] for each in again(mine)), None)
    if said or code not in CODES:
        return said or (NOTES[code][1] if code in _WHOLE else say("The record was rejected."))
    return Problem(code, reason=(detail or {}).get("reason") or say("no reason given")).message


def problem_of(row: Row[Any], fields: Mapping[str, Field]) -> Problem:
    """The problem that answers a rejected or dead record on a single route."""
    errors = [
        Detail(each["message"], each["code"], each["field"], row.row)
        for each in again(row.notes)
        if each["level"] == "error"
    ]
    if not errors and row.status == "rejected":
        errors = [Detail(message_of(row), row.code, field_of(row, fields), row.row)]
    more = {"outcome_id": row.id, "notes": again(row.notes), "calls": row.calls}
    code = "crisp_gave_up" if row.status == "dead" else row.code
    return Problem(code, message=message_of(row), errors=errors, more=more)


def field_of(row: Row[Any], fields: Mapping[str, Field]) -> str | None:
    """The contact field for which a record failed: a note's, or the one that Crisp's reason names by its own path
    (`company.geolocation.country` → company_country)."""
    noted = next((note for note in row.notes if note["level"] == "error"), None)
    if noted is not None:
        return noted["field"] or ("email" if noted["code"].startswith("email_") else None)
    if row.code in ("contact_exists", "contact_missing", "email_taken"):
        return "email"
    words = str((row.detail or {}).get("reason") or "").replace("'", " ").replace('"', " ").replace(":", " ").split()
    return next((key for key, field in fields.items() if field.crisp_path in words), None) or next(
        (word for word in words if word.startswith("data.")), None
    )
