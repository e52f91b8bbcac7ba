"""Errors that a caller is told: one `Problem`, with a stable code, a status and a sentence with the remedy.

    400, 413, 415  the request cannot be read       409  it contradicts what is there
    401, 403       no key, or not this key          422  it can be read, but not done
    404, 405       nothing here, or not this way    502, 503  not now

The table `CODES` holds them all, those of files too; `Problem("code")` looks its status and sentence up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.files.codes import CODES as OF_FILES
from connector.saying import Said, hear, say

# code → status, title, sentence.
CODES: dict[str, tuple[int, str, str]] = {
    "body_not_json": (400, "Not JSON", "The body is not valid JSON. Send an object or a list as application/json."),
    "body_not_utf8": (400, "Not UTF-8", "The body is not UTF-8 text. Send JSON encoded as UTF-8."),
    "body_not_xml": (400, "Not XML", "The body is not well-formed XML. Send a whole document. {where}"),
    "body_doctype": (
        400,
        "DOCTYPE",
        "The XML has a DOCTYPE. None is taken here, for it can name files and grow without end. Send it without one.",
    ),
    "body_not_records": (400, "No records", "The body must be a JSON object or a list of objects, not a single value."),
    "body_too_deep": (400, "Too deep", "The body is nested more than 50 levels deep. Send a flatter payload."),
    "body_bad_text": (
        400,
        "Broken text",
        "The body holds half of a character (a lone surrogate). Send whole characters.",
    ),
    "body_bad_number": (
        400,
        "Not a number",
        "The body holds NaN, Infinity or a number out of range. Send finite numbers, or null.",
    ),
    "body_bad_encoding": (
        400,
        "Bad encoding",
        "The body is not encoded as its Content-Encoding says, or cannot be decoded. Send gzip, or no encoding.",
    ),
    "parameter_invalid": (
        422,
        "Invalid parameter",
        "A parameter of the request is not valid. Correct what errors names.",
    ),
    "hook_forged": (
        401,
        "Not Crisp's",
        "This hook is not accepted: its signature or key is wrong or missing, or it is not of now. Compare the secret "
        "with the one in Crisp.",
    ),
    "hook_of_another": (
        403,
        "Another website",
        "This hook is of another website than the one that its address is for. Give each website its own address.",
    ),
    "hook_unreadable": (400, "Not an event", "The body is not an event as Crisp sends them."),
    "platform_unknown": (404, "Unknown platform", "There is no package for this platform. There are {names}."),
    "schema_unknown": (404, "Unknown schema", "There is no schema of this name. There are {names}."),
    "event_unknown": (404, "No such event", "There is no event of this name. There are: {names}."),
    "key_missing": (401, "No API key", "Send your API key as Authorization: Bearer KEY, or as X-API-Key: KEY."),
    "key_invalid": (
        401,
        "Unknown API key",
        "This API key is not known here, or was revoked. Make a new one and send that.",
    ),
    "key_slowed": (
        429,
        "Too many wrong keys",
        "Too many wrong keys or codes came from here within a minute. Wait for {seconds} seconds, then try again.",
    ),
    "link_used": (
        401,
        "Link used up",
        "This link signs in once, within a day, and that was done. Sign in with an API key, or make another link: "
        "crisp-connector sign-in",
    ),
    "form_expired": (
        403,
        "Page too old",
        "This page was open for too long, or was not made here, so nothing was done. Load it again and try again.",
    ),
    "setup_code_wrong": (
        401,
        "Wrong code",
        "This is not the one-time code of this service. It stands in the log of crisp-connector serve, and is another "
        "after each start.",
    ),
    "setup_done": (
        409,
        "Set up already",
        "Somebody has set this service up already. Sign in with an API key; crisp-connector sign-in makes a link that "
        "signs in once.",
    ),
    "setup_token_missing": (
        422,
        "No website",
        "No website is connected yet. Send website_id, identifier and key of a Crisp token with the code.",
    ),
    "scope_missing": (403, "Key may not do this", "This API key lacks the scope {scope}. Use a key that has it."),
    "not_found": (404, "Not found", "There is nothing here. Look at /docs for the routes."),
    "contact_missing": (
        404,
        "No such contact",
        "Crisp has no contact of this email or people_id. Check it, or create it first.",
    ),
    "import_missing": (
        404,
        "No such import",
        "There is no import of this id on this connection. Look at GET /v1/imports.",
    ),
    "outcome_missing": (
        404,
        "No such outcome",
        "There is no outcome of this id on this connection. Look at GET /v1/outcomes.",
    ),
    "mapping_missing": (
        404,
        "No such mapping",
        "There is no saved mapping of this name. Save it with PUT /v1/mappings/NAME.",
    ),
    "key_unknown": (404, "No such key", "There is no API key of this id on this connection. Look at GET /v1/keys."),
    "sink_missing": (
        404,
        "No such sink",
        "There is no sink of this id on this connection. Look at GET /v1/sinks.",
    ),
    "connection_missing": (
        404,
        "No such connection",
        "There is no connection of this id that this API key may manage. Look at GET /v1/connections.",
    ),
    "connection_exists": (
        409,
        "Connection exists",
        "This website is connected here already. Change it with PATCH /v1/connections/ID and an admin key of it.",
    ),
    "confirmation_missing": (
        409,
        "Not confirmed",
        "This is the connection of the API key that you send: its keys and records go with it. "
        "Send confirm={connection} as a query parameter, or run: crisp-connector connect remove",
    ),
    "inbound_missing": (
        404,
        "No such inbound address",
        "There is no inbound address of this id on this connection. Look at GET /v1/inbound.",
    ),
    "arrival_refused": (
        401,
        "Not proved",
        "What was sent here is not proved to come from where this address is for. Check the address, and the secret "
        "or key that goes with it.",
    ),
    "arrival_unreadable": (
        503,
        "Not now",
        "What is sent here cannot be checked just now. Nothing was stored; try again later.",
    ),
    "pull_unsupported": (
        422,
        "Nothing to pull from",
        "Nothing can be pulled from {source}. Send what it has to POST /v1/contacts/batch, or import it as a file.",
    ),
    "pull_unset": (
        422,
        "Pull not set up",
        "This inbound address does not say {missing}. Give it with PATCH /v1/inbound/ID first.",
    ),
    "pull_running": (
        409,
        "Another pull is under way",
        "Another pull of this inbound address is under way. Wait until it is completed, which GET /v1/inbound/ID tells "
        "(pulled), or end it by sending the address's pull options again with PATCH; then ask again.",
    ),
    "sender_unsupported": (
        422,
        "No senders",
        "What {source} sends does not say from which account there it comes. Leave sender out.",
    ),
    "script_unsupported": (
        422,
        "No script",
        "There is a script for google_sheets alone. The steps of this inbound address say how {source} is set up.",
    ),
    "source_credential_refused": (
        422,
        "Credential refused",
        "{source} does not take the credential of this inbound address. Give another with PATCH /v1/inbound/ID.",
    ),
    "source_missing": (
        422,
        "Not there",
        "{source} has nothing of what this inbound address names, or its credential may not see it. Check the names, "
        "and share it with the integration.",
    ),
    "source_refused": (
        422,
        "Refused by the source",
        "{source} answered {status} to a request of ours. Check what this inbound address names.",
    ),
    "arrival_deadly": (
        500,
        "The service ended over it",
        "Whichever process took this in ended over it, or was too late. It is not tried again, and what was sent is "
        "kept as it came. See whether the service has enough memory, and report it.",
    ),
    "source_repeats": (
        422,
        "The same page again",
        "{source} gave a page again that was read before, as if nothing had been asked for: a cache or a plug-in in "
        "between passes over the query. Take the addresses of its API (/wp-json/ or /api/) out of that cache, then "
        "pull again.",
    ),
    "source_forbidden": (
        422,
        "Address not allowed",
        "{source} cannot be asked at the address in this inbound address's credential: {reason}. Give another with "
        "PATCH /v1/inbound/ID, or open it with CONNECTOR_EGRESS_ALLOW.",
    ),
    "source_busy": (503, "The source asks for a pause", "{source} asks for a pause. Try again then."),
    "source_unreachable": (502, "The source does not answer", "{source} could not be reached. Try again later."),
    "subscription_missing": (
        404,
        "No such subscription",
        "There is no subscription of this id on this connection. Look at GET /v1/subscriptions.",
    ),
    "subscription_exists": (
        409,
        "Subscription exists",
        "The subscription {subscription} has the same event, address and filter. Change or delete that one.",
    ),
    "subscription_disabled": (
        409,
        "Subscription disabled",
        "The subscription {subscription} is not told any more: for five days nothing but failures came of it, at last "
        "because {reason}. See to its address, then send PATCH /v1/subscriptions/{subscription} with enabled: true; "
        "what it missed can be replayed.",
    ),
    "sink_disabled": (
        409,
        "Sink disabled",
        "Nothing is written to the sink {sink} any more. {reason} Then send PATCH /v1/sinks/{sink} with enabled: true; "
        "what it missed can be replayed.",
    ),
    "delivery_missing": (
        404,
        "No such delivery",
        "There is no delivery of this id on this connection. Look at GET /v1/deliveries.",
    ),
    "delivery_forgotten": (
        409,
        "Delivery forgotten",
        "What this delivery said was erased with its contact, so it cannot be told again.",
    ),
    "target_refused": (
        422,
        "Address refused",
        "This address is not told: {reason}. Give an https:// address that everybody can reach; for one inside your "
        "own network the operator names it in CONNECTOR_EGRESS_ALLOW.",
    ),
    "too_many_subscriptions": (
        422,
        "Too many subscriptions",
        "This connection has {limit} subscriptions, which is the most. Delete those that nobody needs any more.",
    ),
    "method_not_allowed": (405, "Method not allowed", "This address does not take this method. Look at /docs."),
    "contact_exists": (
        409,
        "Contact exists",
        "Crisp already has a contact of this email. Send mode=upsert to update it.",
    ),
    "email_taken": (
        409,
        "Email taken",
        "The new email belongs to another contact in Crisp. Erase or rename that one first.",
    ),
    "contact_busy": (
        409,
        "Contact busy",
        "A call for this contact is under way. Try again in a moment.",
    ),
    "idempotency_mismatch": (
        409,
        "Idempotency key reused",
        "This Idempotency-Key came with another request before. Use a new key for a new request.",
    ),
    "body_too_large": (413, "Too large", "The body is larger than {limit}. Send less at once, or use the batch route."),
    "too_many_records": (
        413,
        "Too many records",
        "There are more than {limit} records. Split them into several batches.",
    ),
    "content_type_unknown": (
        415,
        "Content type",
        "The content type {kind} cannot be read. Send application/json, application/x-ndjson, application/xml, or a "
        "form.",
    ),
    "several_records": (
        422,
        "Several records",
        "This payload holds {count} records. Send it to POST /v1/contacts/batch.",
    ),
    "mapping_field_unknown": (
        422,
        "Unknown mapping field",
        "{field} is not a contact field. GET /v1/fields lists them.",
    ),
    "mapping_path_missing": (
        422,
        "Mapping finds nothing",
        "No record has the field that the mapping names for {field}. Check how it is spelt. "
        "When it may be missing, save the mapping and name it in X-Connector-Mapping: then it is only noted.",
    ),
    "mapping_invalid": (
        422,
        "Invalid mapping",
        "Send a mapping as an object: contact field → field name or list of names.",
    ),
    "who_invalid": (422, "Not a person", "Name the contact by its email address or by Crisp's people_id."),
    "crisp_refused": (422, "Refused by Crisp", "Crisp refused this contact: {reason}. Correct it and send it again."),
    "credential_refused": (
        422,
        "Credential refused",
        "Crisp does not take this credential ({reason}): {said}. Nothing was stored. Correct website id, identifier, "
        "key and tier, or check the scopes of the token in Crisp.",
    ),
    "sink_broken": (422, "Sink cannot be written to", "The sink cannot be written to: {reason}"),
    "contact_erased": (422, "Contact erased", "The contact was erased while this record was waiting."),
    "request_invalid": (400, "Bad request", "The request cannot be read. Check its headers and characters."),
    "server_error": (500, "Our mistake", "Something broke here. Nothing was lost; look the request_id up in the log."),
    "crisp_gave_up": (502, "Gave up", "Crisp could not be reached for too long. The record is kept; replay it later."),
    "crisp_unreachable": (502, "Crisp does not answer", "Crisp could not be reached just now. Try again later."),
    "sink_unreachable": (502, "Sink does not answer", "The sink cannot be reached just now: {reason}"),
    "no_connection": (
        503,
        "No connection",
        "No Crisp website is connected. Set CRISP_WEBSITE_ID, CRISP_IDENTIFIER and CRISP_KEY, "
        "or run: crisp-connector connect add",
    ),
    "connection_halted": (
        503,
        "Connection halted",
        "This connection's credential does not work ({reason}). Replace it, or run: crisp-connector doctor",
    ),
    "quota_used_up": (503, "Quota used up", "Crisp's daily quota of this connection is used up until {until}."),
    "crisp_rate_limited": (503, "Crisp asks for a pause", "Crisp asked for a pause until {until}. Try again then."),
    "database_unavailable": (
        503,
        "Database unavailable",
        "The database does not answer. Nothing was stored; try again.",
    ),
    "queue_unavailable": (
        503,
        "Queue unavailable",
        "The queue of wake-ups does not answer. Records are taken all the same, and go out a moment later.",
    ),
    **OF_FILES,
}


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing that is wrong: the field, the row (from 1) where there are rows, code and sentence."""

    message: str
    code: str
    field: str | None = None
    row: int | None = None

    def as_json(self) -> dict[str, Any]:
        """`{field, row, code, message}`."""
        return {"field": self.field, "row": self.row, "code": self.code, "message": self.message}


class Problem(Exception):
    """Ends a request: the caller is told `code`, a sentence and, where it helps, each field's error.

    `more` is added to the answer. A code that `CODES` does not have is a note's: the record was rejected for it.
    `maybe_applied`: a call to Crisp may have been carried out all the same.
    """

    def __init__(
        self,
        code: str,
        *,
        message: str | None = None,
        errors: Sequence[Detail] = (),
        retry_after: int | None = None,
        more: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> None:
        self.status, self.title, sentence = CODES.get(code) or (422, "Rejected", message or code)
        self.code, self.facts, self.retry_after, self.more = code, facts, retry_after, dict(more or {})
        self.headers: dict[str, str] = {}
        self.maybe_applied = False
        first = errors[0] if errors and code == "parameter_invalid" else None
        # Platforms show the message alone, so it says at once what is wrong.
        told = say("{field}: {message}", field=first.field, message=first.message) if first else None
        self.message = message or told or say(sentence, **facts)
        self.errors = tuple(errors)
        super().__init__(self.message)

    def as_json(self, request_id: str) -> dict[str, Any]:
        """problem+json (RFC 9457) with our `code`, `message`, `request_id` and `errors`."""
        for told in (self.message, *(error.message for error in self.errors)):
            if isinstance(told, Said):
                hear(told)
        return {
            "type": f"/docs#{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.message,
            "code": self.code,
            "message": self.message,
            "request_id": request_id,
            "errors": [error.as_json() for error in self.errors],
            **self.more,
        }
