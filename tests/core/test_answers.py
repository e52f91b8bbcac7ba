"""Answers: every status and failure leads to one action."""

from typing import Any

import pytest

from connector.crisp.answers import Action, Failure, Judgement, judge, reply_of
from connector.crisp.calls import Call, Reply

PLAIN = Call("POST", "people/stats", routes=frozenset())
PERSON = Call("PATCH", "people/profile/{who}", "ada@example.com")

# status → action and code, as far as the call does not route by it.
TABLE: dict[int, tuple[Action, str]] = {
    **dict.fromkeys((200, 201, 202, 204, 206), (Action.ANSWER, "")),
    **dict.fromkeys((400, 409, 413, 414, 415, 422), (Action.REFUSE, "crisp_refused")),
    401: (Action.HALT, "crisp_credential_refused"),
    402: (Action.HALT, "crisp_plan_too_small"),
    403: (Action.HALT, "crisp_not_allowed"),
    404: (Action.HALT, "crisp_website_missing"),
    **dict.fromkeys((420, 423, 429), (Action.THROTTLE, "crisp_rate_limited")),
    **dict.fromkeys((405, 406, 408, 410, 418, 425, 451), (Action.RETRY, "crisp_failed")),
    **dict.fromkeys((100, 101, 103, 199), (Action.RETRY, "crisp_failed")),
    **dict.fromkeys((300, 301, 302, 303, 304, 307, 308, 399), (Action.RETRY, "crisp_redirected")),
    **dict.fromkeys((500, 501, 502, 503, 504, 520, 524, 599), (Action.RETRY, "crisp_failed")),
}


@pytest.mark.parametrize(("status", "expected"), TABLE.items())
def test_every_status_has_an_action(status: int, expected: tuple[Action, str]) -> None:
    judged = judge(PLAIN, Reply(status))
    assert (judged.action, judged.code) == expected


@pytest.mark.parametrize(("status", "expected"), TABLE.items())
def test_only_an_unclear_answer_may_hide_an_applied_call(status: int, expected: tuple[Action, str]) -> None:
    assert judge(PLAIN, Reply(status)).maybe_applied is (expected[0] is Action.RETRY)


LISTED, READ = Call("GET", "people/profiles/1"), Call("GET", "people/profile/{who}", "ada@example.com")


@pytest.mark.parametrize(
    ("call", "data", "action"),
    [
        pytest.param(LISTED, [], Action.ANSWER, id="a list"),
        pytest.param(LISTED, {}, Action.ANSWER, id="an object"),
        pytest.param(LISTED, None, Action.RETRY, id="nothing of a list"),
        pytest.param(LISTED, "text", Action.RETRY, id="a text"),
        pytest.param(READ, {}, Action.ANSWER, id="a person"),
        pytest.param(READ, [], Action.RETRY, id="a list for a person"),
        pytest.param(READ, None, Action.RETRY, id="nothing of a person"),
        pytest.param(PERSON, None, Action.ANSWER, id="a write is done, whatever the body"),
    ],
)
def test_what_is_read_must_be_there(call: Call, data: Any, action: Action) -> None:
    judged = judge(call, Reply(200, data=data))
    assert judged == Judgement(action, "" if action is Action.ANSWER else "crisp_garbled")


@pytest.mark.parametrize("status", [404, 409])
def test_a_plan_gets_the_statuses_that_it_routes_by(status: int) -> None:
    assert judge(PERSON, Reply(status)) == Judgement(Action.ANSWER)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 420, 422, 429, 500])
def test_a_plan_does_not_get_the_others(status: int) -> None:
    assert judge(PERSON, Reply(status)).action is TABLE[status][0]


def test_a_call_may_route_by_a_status_of_its_own() -> None:
    removal = Call("PATCH", "people/data/{who}", "ada@example.com", routes=frozenset({400, 404}))
    assert judge(removal, Reply(400)).action is Action.ANSWER
    assert judge(removal, Reply(409)).action is Action.REFUSE


@pytest.mark.parametrize("sent", [True, False])
def test_a_call_without_answer_is_tried_again(sent: bool) -> None:
    assert judge(PLAIN, Failure("crisp_timeout", sent)) == Judgement(Action.RETRY, "crisp_timeout", sent)


@pytest.mark.parametrize(
    ("status", "body", "reply"),
    [
        pytest.param(
            201,
            {"error": False, "reason": "added", "data": {"people_id": "p"}},
            Reply(201, "added", {"people_id": "p"}),
            id="done",
        ),
        pytest.param(
            400,
            {"error": True, "reason": "invalid_data", "data": {"message": "email is bad"}},
            Reply(400, "invalid_data: email is bad", {"message": "email is bad"}),
            id="reason-and-detail",
        ),
        pytest.param(
            200, {"reason": "ok", "data": {"message": "hi"}}, Reply(200, "ok", {"message": "hi"}), id="data-of-success"
        ),
        pytest.param(200, {"reason": "listed", "data": [1]}, Reply(200, "listed", [1]), id="list"),
        pytest.param(404, {"reason": "not_found", "data": {}}, Reply(404, "not_found", {}), id="empty-detail"),
        pytest.param(500, {}, Reply(500), id="empty-object"),
        pytest.param(502, "<html>", Reply(502), id="page-of-a-proxy"),
        pytest.param(502, None, Reply(502), id="no-body"),
        pytest.param(200, [1, 2], Reply(200), id="no-envelope"),
        pytest.param(
            409, {"reason": 7, "data": {"message": ["x"]}}, Reply(409, "7: ['x']", {"message": ["x"]}), id="odd"
        ),
    ],
)
def test_a_reply_is_made_of_any_body(status: int, body: Any, reply: Reply) -> None:
    assert reply_of(status, body) == reply


def test_the_pause_that_crisp_asks_for_is_kept() -> None:
    assert reply_of(429, None, 7.5).retry_after == reply_of(429, {}, 7.5).retry_after == 7.5
