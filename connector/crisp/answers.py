"""From a status or a failure to what is to be done: one table. Pure.

Statuses: Crisp REST reference (status codes, rate limits). The status decides, never the envelope's word.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from connector.crisp.calls import Call, Reply


class Action(Enum):
    """What the courier does with an answer."""

    ANSWER = "give it to the plan"
    REFUSE = "reject the record: sent again it would be refused again"
    HALT = "stop the connection until its credential works"
    THROTTLE = "pause the connection; the limit counts for all its calls"
    RETRY = "try this plan again later"


@dataclass(frozen=True, slots=True)
class Failure:
    """A call without an answer. `sent`: the request may have reached Crisp and been applied; `ms`: milliseconds until
    that was known."""

    code: str
    sent: bool
    ms: float = field(default=0.0, compare=False)

    @property
    def label(self) -> str:
        """For counting, showing and logs."""
        return self.code


@dataclass(frozen=True, slots=True)
class Judgement:
    """The action, the stable code of the reason, and whether the call may have been applied unseen."""

    action: Action
    code: str = ""
    maybe_applied: bool = False


_BY_STATUS: dict[int, Judgement] = {
    400: Judgement(Action.REFUSE, "crisp_refused"),
    401: Judgement(Action.HALT, "crisp_credential_refused"),
    402: Judgement(Action.HALT, "crisp_plan_too_small"),
    403: Judgement(Action.HALT, "crisp_not_allowed"),
    # Reached only where the plan does not read 404 as "no such person": the website itself is not there.
    404: Judgement(Action.HALT, "crisp_website_missing"),
    408: Judgement(Action.RETRY, "crisp_failed", maybe_applied=True),
    409: Judgement(Action.REFUSE, "crisp_refused"),
    413: Judgement(Action.REFUSE, "crisp_refused"),
    414: Judgement(Action.REFUSE, "crisp_refused"),
    415: Judgement(Action.REFUSE, "crisp_refused"),
    422: Judgement(Action.REFUSE, "crisp_refused"),
    420: Judgement(Action.THROTTLE, "crisp_rate_limited"),
    423: Judgement(Action.THROTTLE, "crisp_rate_limited"),
    429: Judgement(Action.THROTTLE, "crisp_rate_limited"),
}
_OTHERWISE = Judgement(Action.RETRY, "crisp_failed", maybe_applied=True)
# Never followed: the credential would go along. A portal in between may answer so for a while; a wrong address always.
_REDIRECTED = Judgement(Action.RETRY, "crisp_redirected", maybe_applied=True)
# Read without what was asked for: something in between answered.
_GARBLED = Judgement(Action.RETRY, "crisp_garbled")


def judge(call: Call, answer: Reply | Failure) -> Judgement:
    """What to do with the answer to this call."""
    if isinstance(answer, Failure):
        return Judgement(Action.RETRY, answer.code, maybe_applied=answer.sent)
    if answer.ok and call.method == "GET" and not _is_read(call, answer):
        return _GARBLED
    if answer.ok or answer.status in call.routes:
        return Judgement(Action.ANSWER)
    return _BY_STATUS.get(answer.status, _REDIRECTED if 300 <= answer.status < 400 else _OTHERWISE)


def _is_read(call: Call, answer: Reply) -> bool:
    """Whether a GET brought what its route gives: an object for a person's profile or data, else an object or list."""
    of_a_person = call.path.startswith(("people/profile/", "people/data/"))
    return isinstance(answer.data, dict) or (isinstance(answer.data, list) and not of_a_person)


def reply_of(status: int, body: Any, retry_after: float | None = None, date: str | None = None) -> Reply:
    """A Reply from a status and the parsed body: Crisp's envelope, or anything a proxy may put in its place."""
    if not isinstance(body, dict):
        return Reply(status, retry_after=retry_after, date=date)
    data = body.get("data")
    detail = data.get("message") if isinstance(data, dict) and not 200 <= status < 300 else None
    words = (str(word) for word in (body.get("reason"), detail) if word)
    return Reply(status, ": ".join(words), data, retry_after, date)
