"""Erasures of a service that is killed in the midst of them."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import requests

from tests.app.inbound import body_of, told
from tests.process.commands import Env
from tests.process.running import Crisp, Running, Service, running, until

COUNT, KILLS = 18, 2
# So many are erased at once; of these alone, whoever dies knows not whether it was done.
_AT_ONCE = 2
_STAYS = "no.customer@example.com"
_DOMAIN = "lumen-demo.myshopify.com"


def test_a_service_that_is_killed_erases_everybody_once(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    """A whole shop is to go: nobody is forgotten, and whoever was erased is not asked for again."""
    with _serving(env, tmp_path) as process:
        service = Service(process.url)
        one = service.post("/v1/inbound", json={"source": "shopify"}).json()
        _send(service, one, {"data": {"customers": {"nodes": [_customer(number) for number in range(COUNT)]}}})
        assert service.post("/v1/contacts", json={"email": _STAYS}).status_code == 200
        until(lambda: len(crisp.people()) == COUNT + 1, 40, "every customer")
        crisp.set(latency_ms=50)
        _send(service, one, {"shop_id": 954889, "shop_domain": _DOMAIN})
        _kill(process, crisp, left=COUNT - 6)
    for turn in range(2, KILLS + 1):
        _their_time_is_over(tmp_path)
        with _serving(env, tmp_path) as process:
            _kill(process, crisp, left=COUNT - 6 * turn)
    _their_time_is_over(tmp_path)
    with _serving(env, tmp_path) as process:
        service = Service(process.url)
        [arrival, *_] = service.get(f"/v1/inbound/{one['id']}/arrivals").json()
        totals = service.finished(arrival["import_id"], 60)["totals"]
    assert list(crisp.people()) == [_STAYS]
    assert (totals["records"], totals["updated"] + totals["unchanged"]) == (COUNT, COUNT), totals
    assert totals["unchanged"] <= KILLS * _AT_ONCE, "only of those in hand is it not known"
    asked = crisp.stats()["calls"]["by_route"]["DELETE people/profile/{people_id}"]
    assert COUNT <= asked <= COUNT + 2 * KILLS * _AT_ONCE, "and only they are asked for again, by both of their names"


def _serving(env: Env, folder: Path) -> Any:
    return running("serve", "--port", "0", "--json", env=env, folder=folder)


def _kill(process: Running, crisp: Crisp, *, left: int) -> None:
    """When so many customers are left, or fewer."""
    until(lambda: len(crisp.people()) - 1 <= left, 40, "erasures")
    process.kill()
    assert len(crisp.people()) > 1, "it was done before"


def _their_time_is_over(folder: Path) -> None:
    """Whoever has one in hand is taken for dead after two minutes, which are over at once here."""
    with closing(sqlite3.connect(folder / "data" / "connector.db")) as database, database:
        database.execute("UPDATE records SET due_at = 0 WHERE status = 'waiting'")


def _customer(number: int) -> dict[str, Any]:
    email = {"emailAddress": f"c{number}@example.com"}
    return {"id": f"gid://shopify/Customer/{number + 1}", "firstName": "C", "defaultEmailAddress": email}


def _send(service: Service, one: Mapping[str, Any], value: Any) -> None:
    body = body_of(value)
    proof = {"X-Shopify-Hmac-SHA256": told("shopify", body, one["secret"])}
    headers = {**proof, "X-Shopify-Shop-Domain": _DOMAIN, "Content-Type": "application/json"}
    assert requests.post(f"{service.url}/in/shopify/{one['id']}", data=body, headers=headers, timeout=20).ok
