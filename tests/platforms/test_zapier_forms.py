"""Forms of the Zapier app: what only the service knows comes when a Zap is edited."""

from tests.platforms.zapier import App


def test_a_form_has_what_only_the_service_knows(zapier: App) -> None:
    """The only test of its service, which remembers for a while what Crisp told it first."""
    zapier.do("upsert_contact", email="form@example.com", segments=["gold member"], data={"plan": "pro"})
    assert zapier.run("triggers.segment_list.operation.perform") == [{"id": "gold member", "name": "gold member"}]
    assert _dynamic(zapier, "upsert_contact") == ["data.plan"]
    assert _dynamic(zapier, "update_data") == ["data.plan"]
    [lines] = zapier.run("creates.upsert_contacts.operation.inputFields")[:1]
    assert (lines["key"], lines["required"]) == ("records", True)
    columns = [each["key"] for each in lines["children"]]
    assert {"email", "segments", "data.plan"} <= set(columns)
    assert "data" not in columns
    for action in zapier.definition["creates"]:
        _check(zapier, action)


def _dynamic(zapier: App, action: str) -> list[str]:
    """Keys of fields that stand in no package."""
    operation = zapier.definition["creates"][action]["operation"]
    known = {each.get("key") for each in operation["inputFields"]}
    found = zapier.run(f"creates.{action}.operation.inputFields")
    return [each["key"] for each in found if each["key"] not in known]


def _check(zapier: App, action: str) -> None:
    """The form as it comes is one that Zapier's schema would take, and no key stands in it twice."""
    operation = zapier.definition["creates"][action]["operation"]
    form = zapier.run(f"creates.{action}.operation.inputFields")
    changed = {**operation, "inputFields": form}
    creates = {**zapier.definition["creates"], action: {**zapier.definition["creates"][action], "operation": changed}}
    assert zapier.asked({"definition": {**zapier.definition, "creates": creates}}) == {"errors": []}
    keys = [each["key"] for field in form for each in (field, *field.get("children", ()))]
    assert len(keys) == len(set(keys))
