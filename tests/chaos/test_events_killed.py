"""Events of Crisp while the service is killed with -9 at random moments: each is told, and always under the same id."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import postgres
from tests.chaos.cluster import Cluster, cluster
from tests.chaos.figures import Figure, report, sized
from tests.process.running import Crisp, Service, until
from tests.process.subscriber import HOOKED, SECRET, Subscriber, in_crisp, subscribing

# How many events and kills, on each database.
SIZES = {"SQLite": (sized(150, 1_000), sized(5, 20)), "PostgreSQL": (sized(60, 1_000), sized(2, 20))}
# Seconds for which it runs before it is killed.
SHORTEST, LONGEST = 0.1, sized(1, 3)
MOMENTS = random.Random(6)


@pytest.fixture(params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, crisp: Crisp, tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The database, and the environment of a service that Crisp tells and that may tell this machine."""
    plain = {**crisp.env, **HOOKED, "CONNECTOR_DATA_DIR": str(tmp_path / "data"), "CRISP_DAILY_QUOTA": "10000000"}
    if request.param == "sqlite":
        yield "SQLite", plain
        return
    with postgres.database(request.getfixturevalue("postgres_server")) as url:
        yield "PostgreSQL", {**plain, "CONNECTOR_DATABASE_URL": url}


@contextmanager
def happening(crisp: Crisp, events: int, kills: int) -> Iterator[list[str]]:
    """While it is killed so often, so many contacts are made in Crisp; their addresses."""
    made, pause = list[str](), kills * (SHORTEST + LONGEST + 2) / 2 / events

    def make() -> None:
        for number in range(events):
            email = f"p{number}@example.com"
            in_crisp(crisp, "POST", "people/profile", email=email, person={"nickname": f"P{number}"})
            made.append(email)
            time.sleep(pause)

    thread = threading.Thread(target=make)
    thread.start()
    try:
        yield made
    finally:
        thread.join()


def tell_crisp(crisp: Crisp, members: Cluster) -> None:
    """Where the service is now."""
    crisp.set(hook_url=f"{members.url}/crisp/{crisp.running.said['website_id']}")


def killed(crisp: Crisp, members: Cluster, times: int) -> None:
    for _ in range(times):
        time.sleep(MOMENTS.uniform(SHORTEST, LONGEST))
        members.kill()
        members.start()
        tell_crisp(crisp, members)


def ids_of(subscriber: Subscriber) -> dict[str, list[str]]:
    """Under which ids each person was told of, one for each time."""
    found = defaultdict[str, list[str]](list)
    for told in subscriber.told:
        found[told.event["contact"]["email"]].append(told.id)
    return found


def test_events_are_told_though_the_service_is_killed(
    crisp: Crisp, served: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    database, env = served
    events, kills = SIZES[database]
    # So patient that a busy machine may take its time to start the service again.
    crisp.set(hook_secret=SECRET, hook_retries=100, hook_pause_ms=600)
    with cluster(env, tmp_path, "serve") as members, subscribing() as subscriber:
        tell_crisp(crisp, members)
        subscriber.subscribe(Service(members.url), "contact_created")
        with happening(crisp, events, kills) as made:
            killed(crisp, members, kills)
        until(lambda: crisp.stats()["hooks"]["waiting"] == 0, sized(30, 120), "the answer to every hook")
        until(lambda: len(ids_of(subscriber)) == len(made), sized(30, 120), "the telling of all")
        hooks = crisp.stats()["hooks"]
    told = ids_of(subscriber)
    lost, renamed = len(set(made) - set(told)), sum(len(set(ids)) > 1 for ids in told.values())
    again, unsigned = sum(len(ids) - 1 for ids in told.values()), len(subscriber.forged)
    whole = sum(each.event["id"] == each.id and "nickname" in each.event["contact"] for each in subscriber.told)
    where = f"{events} events, {kills} kills, {database}"
    report(
        Figure("1", f"hooks that Crisp gave up: {where}", hooks["failed"], "0", hooks["failed"] == 0),
        Figure("1", f"events lost: {where}", lost, "0", lost == 0),
        Figure("1", f"events told under two ids: {where}", renamed, "0", renamed == 0),
        Figure("1", f"told with the whole contact: {where}", whole, "all", whole == len(subscriber.told)),
        Figure("22", f"deliveries that cannot be verified: {where}", unsigned, "0", unsigned == 0),
        Figure("22", f"told more than once: {where}", again, "only what was in flight", None),
    )
