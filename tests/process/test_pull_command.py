"""`pull`, and pulls of a service that is killed in the midst of a page of every system."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.process.commands import Env, refused, result, written
from tests.process.running import Service, running, until
from tests.vendors.standing import VENDORS, StandIn, standing

COUNT = 5
EMAILS = [f"p{number}@example.com" for number in range(1, COUNT + 1)]
# Requests until the first contacts are there, and for all of them, two to a page, where these are not one and three. A
# sheet's title and header are a page; companies and addresses are asked for beside; Salesforce's last page is empty.
FIRST = {"google_sheets": 3, "pipedrive": 2, "prestashop": 3}
ALL = {"dynamics": 3, "google_sheets": 5, "pipedrive": 6, "prestashop": 9, "salesforce": 4}
_SAID = {"salesforce": {"sender": "00D5e0000012AbCEAU"}}


@pytest.fixture
def systems() -> Iterator[dict[str, StandIn]]:
    """All ten, with five contacts each."""
    with ExitStack() as kept:
        found = {name: kept.enter_context(standing(name, COUNT)) for name in VENDORS}
        yield found
        for each in found.values():
            each.released.set()


def test_a_service_that_is_killed_goes_on_with_every_pull(
    env: Env, systems: dict[str, StandIn], tmp_path: Path
) -> None:
    env = {**env, "CONNECTOR_SOURCE_URLS": ",".join(each.settings["source_urls"] for each in systems.values())}
    for name, system in systems.items():
        system.holds_after = FIRST.get(name, 1)
    imports: dict[str, str] = {}
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        service = Service(process.url)
        ids = {name: _made(service, system) for name, system in systems.items()}
        for name, its_id in ids.items():
            imports[name] = service.post(f"/v1/inbound/{its_id}/pull").json()["import_id"]
        # The runner reads a few at once; whoever asks again reads the next page of the others.
        with ThreadPoolExecutor(len(ids)) as pool:
            again = [pool.submit(_ignored, process.url, its_id) for its_id in ids.values()]
            until(lambda: all(each.held for each in systems.values()), what="a page in hand of every system")
            process.kill()
        assert len(again) == len(VENDORS)
    for system in systems.values():
        system.released.set()
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        service = Service(process.url)
        for name, its_id in ids.items():
            until(lambda its_id=its_id: _is_whole(service, its_id), 40, f"the pull of {name}")  # type: ignore[misc]
            told = service.get(f"/v1/imports/{imports[name]}/records").json()
            assert sorted(each["email"] for each in told) == EMAILS, f"{name}: lost or doubled"
            most = ALL.get(name, 3) + FIRST.get(name, 1)
            assert len(systems[name].asked) <= most, f"{name}: more than a page was read again"


def _made(service: Service, system: StandIn) -> str:
    source = system.vendor.KEY
    said = {"source": source, **system.address, **_SAID.get(source, {})}
    return str(service.post("/v1/inbound", json=said).json()["id"])


def _ignored(url: str, its_id: str) -> None:
    """Nobody is there to answer in the end."""
    try:
        Service(url).post(f"/v1/inbound/{its_id}/pull")
    except requests.RequestException:
        return


def _is_whole(service: Service, its_id: str) -> bool:
    seen = service.get(f"/v1/inbound/{its_id}").json()["pulled"]
    assert seen["state"] in ("running", "completed"), seen
    return bool(seen["state"] == "completed")


@pytest.fixture
def hubspot() -> Iterator[StandIn]:
    """HubSpot alone."""
    with standing("hubspot", COUNT) as found:
        yield found


def test_all_of_it_and_what_has_changed(env: Env, hubspot: StandIn, tmp_path: Path) -> None:
    env = {**env, "CONNECTOR_SOURCE_URLS": hubspot.settings["source_urls"]}
    (token := tmp_path / "token").write_text(str(hubspot.vendor.CREDENTIAL))
    made = result("inbound", "add", "hubspot", "--credential", str(token), "--pull", "page_size=2", env=env)
    foreseen = result("pull", "hubspot", "--dry-run", env=env)
    assert (foreseen["totals"]["records"], foreseen["totals"]["created"]) == (COUNT, COUNT)
    assert foreseen["eta_seconds"] > 0
    assert foreseen["whole"]
    assert "pulled" not in result("inbound", "show", made["id"], env=env), "nothing was written"
    told = result("pull", "hubspot", env=env)
    assert (told["state"], told["totals"]["created"]) == ("completed", COUNT)
    since = hubspot.people[-1].at
    again = result("pull", made["id"], "--since", since, env=env)
    assert (again["totals"]["records"], again["totals"]["unchanged"], again["totals"]["calls"]) == (1, 1, 0)


def test_what_cannot_be_pulled_is_told(env: Env, hubspot: StandIn, tmp_path: Path) -> None:
    env = {**env, "CONNECTOR_SOURCE_URLS": hubspot.settings["source_urls"]}
    assert "inbound add hubspot" in refused("pull", "hubspot", env=env)
    token = written(tmp_path / "token", {"token": "wrong"})
    result("inbound", "add", "hubspot", "--credential", token, env=env)
    assert "credential" in refused("pull", "hubspot", env=env)
    result("inbound", "add", "hubspot", env=env)
    assert "several" in refused("pull", "hubspot", env=env)


def test_another_pull_beside_that_of_a_service_is_refused(env: Env, hubspot: StandIn, tmp_path: Path) -> None:
    env, since = {**env, "CONNECTOR_SOURCE_URLS": hubspot.settings["source_urls"]}, hubspot.people[0].at
    hubspot.holds_after = 1
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        service = Service(process.url)
        its_id = _made(service, hubspot)
        service.post(f"/v1/inbound/{its_id}/pull")
        until(lambda: hubspot.held == 1, what="the second page in hand")
        assert "under way" in refused("pull", its_id, "--since", since, env=env)
        answer = service.post(f"/v1/inbound/{its_id}/pull?since={since}")
        assert (answer.status_code, answer.json()["code"]) == (409, "pull_running")
        hubspot.released.set()
        until(lambda: _is_whole(service, its_id), what="the pull of the service")
