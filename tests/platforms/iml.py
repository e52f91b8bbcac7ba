"""A small interpreter of Make's app language: what our files use of it, and nothing else."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

Bundle = dict[str, Any]
# What a path leads to that leads nowhere: it is left out where it stands alone, and empty within a text.
NOTHING = object()
_EXPRESSION = re.compile(r"{{(.+?)}}")
_CALL = re.compile(r"(\w+)\((.*)\)")
_TYPES: Mapping[str, Any] = {
    "text": (str, int, float),
    "date": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "collection": dict,
}


def _omit(value: Bundle, *names: str) -> Bundle:
    return {name: each for name, each in value.items() if name not in names}


def _pairs(value: Any, key: str, of: str) -> Bundle:
    return {} if value is NOTHING else {each[key]: each[of] for each in value}


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "omit": _omit,
    "ifempty": lambda value, other: other if value in (NOTHING, None, "") else value,
    "toCollection": _pairs,
    "encodeURL": lambda value: quote(str(value), safe=""),
}


def evaluated(template: Any, facts: Mapping[str, Any]) -> Any:
    """A value with its expressions in their place."""
    if isinstance(template, dict):
        return dict(_members(template, facts))
    if isinstance(template, list):
        return [evaluated(each, facts) for each in template]
    if not isinstance(template, str):
        return template
    if (whole := _EXPRESSION.fullmatch(template)) and "}}" not in whole[1]:
        return _value(whole[1], facts)
    return _EXPRESSION.sub(lambda found: _text(_value(found[1], facts)), template)


def _members(template: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, each in template.items():
        value = evaluated(each, facts)
        if name == "{{...}}":
            yield from value.items()
        elif value is not NOTHING:
            yield name, value


def _text(value: Any) -> str:
    return "" if value in (NOTHING, None) else str(value)


def _value(expression: str, facts: Mapping[str, Any]) -> Any:
    expression = expression.strip()
    if call := _CALL.fullmatch(expression):
        return _FUNCTIONS[call[1]](*(_value(each, facts) for each in call[2].split(",")))
    if expression.startswith("'"):
        return expression.strip("'")
    found: Any = facts
    for name in expression.split("."):
        found = found.get(name.strip("`"), NOTHING) if isinstance(found, dict) else NOTHING
    return found


class Failed(Exception):
    """A module failed: `kind` is one of Make's types of error."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


@dataclass(frozen=True)
class App:
    """An app with a connection. `files`: path → content."""

    files: Mapping[str, bytes]
    connection: Mapping[str, str]

    def code(self, kind: str, key: str, name: str) -> Any:
        """One file of a component."""
        index = json.loads(self.files["makecomapp.json"])
        return json.loads(self.files[index["components"][kind][key]["codeFiles"][name]])

    def tested(self) -> Any:
        """What the connection is called, once it was tried; nothing of the base holds then."""
        request = self.code("connection", "connector", "communication")
        given = {"parameters": self.connection}
        answer = _sent(request, evaluated(request["url"], given), given)
        facts = {"body": answer.json(), "statusCode": answer.status_code}
        if not answer.ok:
            raise Failed("", evaluated(request["response"]["error"]["message"], facts))
        return evaluated(request["response"]["metadata"]["value"], facts)

    def run(self, module: str, **parameters: Any) -> Any:
        """What a module brings. Only what it asks for can be filled in, and everything that it must have."""
        asked = [*self.code("module", module, "staticParams"), *self.code("module", module, "mappableParams")]
        request = self.code("module", module, "communication")
        output, _ = self._answered(request, {"parameters": filled(asked, parameters)})
        assert_fits(self.code("module", module, "interface"), output)
        return output

    def listed(self, rpc: str) -> list[Any]:
        """What a list offers."""
        _, body = self._answered(request := self.code("rpc", rpc, "communication"), {})
        return [evaluated(request["response"]["output"], {"item": item}) for item in body]

    def attach(self, webhook: str, url: str, **parameters: Any) -> Bundle:
        """Subscribes; what Make keeps of the answer."""
        filled(self.code("webhook", webhook, "params"), parameters)
        request = self.code("webhook", webhook, "attach")
        facts = {"webhook": {"url": url}, "parameters": parameters}
        _, body = self._answered(request, facts)
        return dict(evaluated(request["response"]["data"], {"body": body}))

    def detach(self, webhook: str, kept: Bundle) -> None:
        """Ends the subscription."""
        self._answered(self.code("webhook", webhook, "detach"), {"webhook": kept})

    def _answered(self, request: Bundle, facts: Mapping[str, Any]) -> tuple[Any, Any]:
        """The output that is declared, and the body."""
        base = json.loads(self.files["general/base.iml.json"])
        facts = {**facts, "connection": self.connection}
        whole = {**request, "headers": {**base["headers"], **request.get("headers", {})}}
        answer = _sent(whole, _address(base, request, facts), facts)
        known = {"body": answer.json(), "statusCode": answer.status_code, "headers": dict(answer.headers)}
        if not answer.ok:
            told = base["response"]["error"]
            told = {**told, **told.get(str(answer.status_code), {})}
            raise Failed(told["type"], evaluated(told["message"], known))
        return evaluated(request.get("response", {}).get("output", ""), known), answer.json()


def _address(base: Bundle, request: Bundle, facts: Mapping[str, Any]) -> str:
    """As Make does it: what begins with a slash is below the base, and of what is whole the base is left away."""
    url = str(evaluated(request["url"], facts))
    return url if re.match("https?://", url) else str(evaluated(base["baseUrl"], facts)) + url


def _sent(request: Bundle, url: str, facts: Mapping[str, Any]) -> requests.Response:
    asked = evaluated({name: request[name] for name in ("method", "qs", "headers", "body") if name in request}, facts)
    body = {"data" if request.get("type") == "text" else "json": asked.get("body")}
    method, headers = asked.get("method", "GET"), asked["headers"]
    return requests.request(method, url, params=asked.get("qs"), headers=headers, **body, timeout=40)


def filled(asked: list[Any], given: Mapping[str, Any]) -> Bundle:
    """What a form sends: what is filled in, and defaults. Fails when there is no such field, or one is missing."""
    known = {each["name"]: each for each in asked}
    found = {name: each["default"] for name, each in known.items() if "default" in each} | dict(given)
    for each in asked:
        chosen = (option for option in each.get("options", ()) if isinstance(option, dict))
        for option in chosen if each["name"] in found else ():
            if option["value"] == found[each["name"]]:
                known |= {inner["name"]: inner for inner in option.get("nested", ())}
    assert set(found) <= set(known), f"there is no {set(found) - set(known)}"
    missing = [name for name, each in known.items() if each.get("required") and name not in found]
    assert not missing, f"{missing} must be filled in"
    grouped = (
        name for name, each in known.items() if each["type"] == "collection" and isinstance(each["spec"][0], dict)
    )
    return found | {name: filled(known[name]["spec"], found.get(name, {})) for name in grouped}


def assert_fits(interface: list[Bundle], bundle: Mapping[str, Any]) -> None:
    """What a module brings is as its interface says; what is null or not there is not said."""
    for each in interface:
        value = bundle.get(each["name"])
        if value is not None and each["type"] != "any":
            assert isinstance(value, _TYPES[each["type"]]), f"{each['name']} is {value!r}, no {each['type']}"
            if each["type"] == "collection":
                assert_fits(each["spec"], value)
