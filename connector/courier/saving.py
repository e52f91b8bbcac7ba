"""What is saved of a job: rows for the ledger. Pure."""

from collections.abc import Iterator
from typing import Any

from connector.courier.job import Job
from connector.crisp.calls import Status
from connector.ledger.work import Group

# Refusals that are about the person, whatever its records say.
_OF_THE_PERSON = ("contact_exists", "contact_missing")


def progress(job: Job, token: int) -> Iterator[dict[str, Any]]:
    """A job that goes on: its finished step, so that a retry resumes there."""
    primary = job.primary
    yield _row(job, primary.id, "waiting", claim=token, due_at=primary.due_at, failing_since=primary.failing_since)


def parked(
    job: Job, *, code: str | None, due_at: int | None, failing_since: int | None = None
) -> Iterator[dict[str, Any]]:
    """A job that waits: every record of it is free again, the primary carries what was done."""
    for record in job.group.rows:
        if record.id == job.primary.id:
            yield _row(job, record.id, "waiting", code=code, due_at=due_at, failing_since=failing_since)
        else:
            yield _blank(record, "waiting", due_at=due_at, failing_since=record.failing_since)


def released(group: Group, **more: Any) -> Iterator[dict[str, Any]]:
    """Records of which nothing was done: free as they were."""
    for record in group.rows:
        yield _blank(record, "waiting", **{**_kept(record), **more})


def broken(group: Group, now: int) -> Iterator[dict[str, Any]]:
    """Records that no plan can be made of: dead, with what was done of them before."""
    for record in group.rows:
        kept = {**_kept(record), "code": "server_error", "due_at": None}
        yield _blank(record, "dead", **kept, finished_at=now)


def ended(job: Job, now: int) -> Iterator[dict[str, Any]]:
    """A job that is done: the primary's outcome; the records that it absorbed are superseded by it.

    When Crisp could not be reached, what was absorbed is dead by itself. When the mode does not fit the person, it fits
    none of them. When Crisp refused several together, it is not known which of them it refuses: each goes by itself.
    """
    if job.outcome is None:
        return
    if job.outcome.status == "rejected" and job.outcome.code not in _OF_THE_PERSON and len(job.group.rows) > 1:
        yield from _by_themselves(job, now)
        return
    status = job.outcome.status
    status = "created" if status == "updated" and job.step == "created" else status
    yield _row(job, job.primary.id, status, code=job.outcome.code, finished_at=now, reason=job.outcome.reason)
    for record in job.group.rows:
        if record.id == job.primary.id:
            continue
        if status in ("dead", "rejected"):
            yield _blank(record, status, code=job.outcome.code, finished_at=now)
        else:
            yield _blank(record, "superseded", finished_at=now, superseded_by=job.primary.id)


def _by_themselves(job: Job, now: int) -> Iterator[dict[str, Any]]:
    for record in job.group.rows:
        if record.id == job.primary.id:
            yield _row(job, record.id, "waiting", due_at=now, alone=True)
        else:
            yield _blank(record, "waiting", due_at=now, alone=True)


# Every column that a drain saves, as of a record of which nothing was done.
_NOTHING_DONE: dict[str, Any] = {
    "code": None,
    "detail": None,
    "changed": [],
    "calls": 0,
    "trail": [],
    "step": None,
    "failing_since": None,
    "claim": None,
    "due_at": None,
    "superseded_by": None,
    "finished_at": None,
    "alone": False,
}


def _row(job: Job, record_id: str, status: Status, *, reason: str | None = None, **more: Any) -> dict[str, Any]:
    """The record that carries what was done for all of its job; an attempt is what made calls, or shared them."""
    attempts = job.primary.attempts + job.tried
    done = {"changed": job.changed, "calls": job.calls, "trail": job.trail, "step": job.step, "unsure": job.unsure}
    told = {"detail": {"reason": reason} if reason else None, "people_id": job.seen.people_id}
    told["alone"] = job.primary.alone
    return {**_NOTHING_DONE, **done, **told, "b_id": record_id, "status": status, "attempts": attempts, **more}


def _kept(record: Any) -> dict[str, Any]:
    names = ("code", "detail", "changed", "calls", "trail", "step", "failing_since", "due_at")
    return {name: getattr(record, name) for name in names}


def _blank(record: Any, status: Status, **more: Any) -> dict[str, Any]:
    """A record of which nothing was done, or whose work the primary carries."""
    same = {name: getattr(record, name) for name in ("unsure", "people_id", "attempts", "alone")} | {"b_id": record.id}
    return {**_NOTHING_DONE, **same, "status": status, **more}
