"""Stored credentials come under the newest secret key at a start, one by one, and none is lost over it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from structlog.testing import capture_logs

from connector.courier.courier import UNREADABLE
from connector.ledger import connections as tenants
from connector.resealing import reseal
from connector.services import Services, open_services
from connector.settings import Settings, SettingsProblem
from connector.vault import Vault, open_vault
from tests.building import tenant

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture
def services(tmp_path: Path) -> Services:
    """With a credential sealed by the old key, and one by a key that is lost."""
    services = open_services(Settings(data_dir=tmp_path, secret_key=OLD))
    with services.ledger.write() as connection:
        tenants.save(connection, tenant("known", key_sealed=Vault([OLD]).seal("K"), halted=UNREADABLE), 0)
        tenants.save(connection, tenant("unknown", key_sealed=Vault([LOST]).seal("K"), halted=UNREADABLE), 0)
        tenants.save(connection, tenant("refused", key_sealed=Vault([OLD]).seal("K"), halted="crisp_not_allowed"), 0)
    return services


def stored(services: Services) -> dict[str, tenants.CrispConnection]:
    with services.ledger.read() as connection:
        return {each.id: each for each in tenants.every(connection)}


def test_with_both_keys_all_that_can_be_opened_is_sealed_anew(services: Services) -> None:
    before = stored(services)
    with capture_logs() as told:
        reseal(services.ledger, Vault([NEW, OLD]))
    after, newest = stored(services), Vault([NEW])
    assert [newest.open(after[each].key_sealed) for each in ("known", "refused")] == ["K", "K"]
    assert after["unknown"] == before["unknown"], "what cannot be opened is left as it is"
    assert [after[each].halted for each in ("known", "refused")] == [None, "crisp_not_allowed"]
    assert sorted((each["event"], each["connection"]) for each in told) == [
        ("credential_resealed", "known"),
        ("credential_resealed", "refused"),
        ("credential_unreadable", "unknown"),
    ]
    assert not [each for each in (OLD, NEW) if each in str(told)]
    with capture_logs() as again:
        reseal(services.ledger, newest)
    assert [each["event"] for each in again] == ["credential_unreadable"]
    services.close()


def test_a_credential_that_is_replaced_meanwhile_stays_replaced(services: Services) -> None:
    before = stored(services)["known"]
    with services.ledger.write() as connection:
        tenants.save(connection, replace(before, key_sealed=b"replaced"), 0)
        assert not tenants.reseal(connection, "known", before.key_sealed, b"late")
    assert stored(services)["known"].key_sealed == b"replaced"
    services.close()


def test_a_command_leaves_them_for_whoever_runs_with_the_old_key(services: Services, tmp_path: Path) -> None:
    before = stored(services)
    settings = Settings(data_dir=tmp_path, secret_key=f"{NEW},{OLD}")
    open_services(settings, starts=False).close()
    assert stored(services) == before
    open_services(settings).close()
    assert stored(services)["known"].key_sealed != before["known"].key_sealed
    services.close()


@pytest.mark.parametrize("starts", [True, False])
def test_what_no_key_opens_is_not_overwritten_with_what_the_environment_says(
    services: Services, tmp_path: Path, *, starts: bool
) -> None:
    token: Any = {"crisp_website_id": "unknown", "crisp_identifier": "I", "crisp_key": "new"}
    settings = Settings(data_dir=tmp_path, secret_key=OLD, **token)
    before = stored(services)["unknown"]
    with capture_logs() as told:
        open_services(settings, starts=starts).close()
    assert stored(services)["unknown"] == before, "whoever has the key that is lost here still opens it"
    unreadable = [each["connection"] for each in told if each["event"] == "credential_unreadable"]
    assert unreadable == (["unknown"] if starts else [])
    services.close()


def test_what_the_environment_says_wins_at_a_start_and_not_in_a_command(services: Services, tmp_path: Path) -> None:
    token: Any = {"crisp_website_id": "known", "crisp_identifier": "I", "crisp_key": "new", "api_key": "ck_environment"}
    settings, before = Settings(data_dir=tmp_path, secret_key=OLD, **token), stored(services)
    for of_a_command in (settings, replace(settings, crisp_tier="plugin", crisp_daily_quota=7)):
        open_services(of_a_command, starts=False).close()
        assert stored(services) == before
    open_services(replace(settings, crisp_website_id="fresh"), starts=False).close()
    assert set(stored(services)) == {*before, "fresh"}, "one that is not known yet is"
    open_services(settings).close()
    changed = stored(services)["known"]
    assert (Vault([OLD]).open(changed.key_sealed), changed.halted) == ("new", None)
    services.close()


def lose(services: Services) -> None:
    """Whatever the database has was sealed with a key that nobody has."""
    with services.ledger.write() as connection:
        for each in tenants.every(connection):
            tenants.save(connection, replace(each, key_sealed=Vault([LOST]).seal("K"), halted=None), 0)
    services.close()


@pytest.mark.parametrize("given", [OLD, f"{NEW},{OLD}"], ids=["another", "another-and-an-older"])
def test_with_a_wrong_secret_key_nothing_starts_and_nothing_changes(
    services: Services, tmp_path: Path, given: str
) -> None:
    lose(services)
    before = stored(services)
    for website in ("known", "another"):
        token: Any = {"crisp_website_id": website, "crisp_identifier": "I", "crisp_key": "new"}
        settings = Settings(data_dir=tmp_path, secret_key=given, **token)
        with pytest.raises(SettingsProblem, match=r"\(known, unknown, refused\)") as caught:
            open_services(settings)
        open_services(settings, starts=False).close()
    assert "CONNECTOR_SECRET_KEY has another key." in str(caught.value)
    assert "crisp-connector connect add" in str(caught.value)
    assert not [each for each in (OLD, NEW) if each in str(caught.value)]
    assert stored(services) == before


def test_without_the_key_file_nothing_starts_and_none_is_made(services: Services, tmp_path: Path) -> None:
    lose(services)
    before = stored(services)
    token: Any = {"crisp_website_id": "another", "crisp_identifier": "I", "crisp_key": "new"}
    for settings in (Settings(data_dir=tmp_path), Settings(data_dir=tmp_path, **token)):
        with pytest.raises(SettingsProblem, match="secret key is lost") as caught:
            open_services(settings)
        open_services(settings, starts=False).close()
    assert f"{tmp_path}/secret.key is missing" in str(caught.value)
    assert (stored(services), (tmp_path / "secret.key").exists()) == (before, False)


def test_of_many_connections_some_are_named(services: Services, tmp_path: Path) -> None:
    with services.ledger.write() as connection:
        for number in range(5):
            tenants.save(connection, tenant(f"W{number}"), 0)
    lose(services)
    with pytest.raises(SettingsProblem, match=r"\(known, unknown, refused, W0, W1 and 3 more\)"):
        open_services(Settings(data_dir=tmp_path))


def test_a_key_file_that_another_process_makes_is_found(tmp_path: Path) -> None:
    first, second = (open_vault(Settings(data_dir=tmp_path)) for _ in range(2))
    assert not second.opens(b"sealed")
    assert not (tmp_path / "secret.key").exists(), "looking makes none"
    sealed = first.seal("K")
    assert (second.open(sealed), first.open(second.seal("K2"))) == ("K", "K2")
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


@pytest.mark.parametrize("keys", [[], [""], ["short"], [OLD, "x"]])
def test_what_is_no_key_is_refused(keys: list[str]) -> None:
    with pytest.raises(SettingsProblem, match="CONNECTOR_SECRET_KEY"):
        Vault(keys)


def test_a_key_file_that_holds_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("zebra")
    with pytest.raises(SettingsProblem, match=r"secret\.key in CONNECTOR_DATA_DIR holds no key") as caught:
        open_services(Settings(data_dir=tmp_path))
    assert "zebra" not in str(caught.value)
    assert (tmp_path / "secret.key").read_text() == "zebra"
