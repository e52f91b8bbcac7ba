"""Samples: an example of each event with everything in it, for editors in which nothing has happened yet. Pure."""

from typing import Any

from connector.event import event_json

_CONTACT: dict[str, Any] = {
    "people_id": "5a7d8e0c-1d2f-4a3b-9c8d-7e6f5a4b3c2d",
    "email": "ada@example.com",
    "nickname": "Ada Lovelace",
    "phone": "+33639985612",
    "city": "Paris",
    "country": "FR",
    "job_title": "Engineer",
    "company_name": "Analytical Ltd",
    "segments": ["vip", "beta"],
    "segments_text": "vip, beta",
    "data": {"plan": "pro", "seats": 3},
}
# What is changed in each, and what was before.
_CHANGES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "contact_created": (
        ["city", "company_name", "country", "job_title", "nickname", "phone", "segments"],
        {},
    ),
    "contact_updated": (["city", "job_title"], {"city": "London", "job_title": "Mathematician"}),
    "contact_removed": ([], {}),
    "conversation_data_changed": (["data.plan"], {}),
    "conversation_email_changed": (["email"], {}),
    "segments_changed": (["segments"], {"segments": ["vip"]}),
    "import_completed": ([], {}),
    "record_rejected": ([], {}),
}
_ID, _OCCURRED_AT = "019f1c2ab3c4000001d5e6f708192a3b", 1_768_469_400_000  # 2026-01-15T09:30:00Z
_CONVERSATION = ("conversation_data_changed", "conversation_email_changed")


def sample(event: str, connection_id: str) -> dict[str, Any]:
    """The event, as if it had just happened."""
    changed, previous = _CHANGES[event]
    contact = {**_CONTACT, "data": dict(_CONTACT["data"])}
    told = event_json(_ID, event, _OCCURRED_AT, connection_id, contact, changed, previous)
    if event in _CONVERSATION:
        told["session_id"] = "session_5f2b4a1e-0000-4000-8000-5a4d0b0c0001"
    if event == "conversation_data_changed":
        told["data"] = {"plan": "pro"}
    if event == "import_completed":
        told["data"] = {"import_id": told["id"], "records": 120, "created": 100, "updated": 18, "rejected": 2}
    if event == "record_rejected":
        told["data"] = {"outcome_id": told["id"], "code": "email_invalid", "row": 7, "source": "csv"}
    return told
