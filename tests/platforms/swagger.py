"""A small client that knows of a service only what a Swagger 2.0 definition says, as Power Automate does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests
from jsonschema import Draft4Validator

Shape = dict[str, Any]


@dataclass(frozen=True)
class Client:
    """`url`: where requests go, in the place of the definition's own host."""

    definition: Shape
    url: str
    key: str

    def operations(self) -> Iterator[tuple[str, str, Shape]]:
        """Path, method and operation."""
        for path, item in self.definition["paths"].items():
            yield from ((path, method, each) for method, each in item.items() if not method.startswith("x-"))

    def operation(self, operation_id: str) -> tuple[str, str, Shape]:
        """The one of this id."""
        [found] = [each for each in self.operations() if each[2]["operationId"] == operation_id]
        return found

    def call(self, operation_id: str, **values: Any) -> requests.Response:
        """Asks with these values and the defaults. What is sent and what comes back must be as it is declared."""
        path, method, operation = self.operation(operation_id)
        declared = {each["name"]: each for each in operation["parameters"]}
        assert set(values) <= set(declared), f"{operation_id} takes {sorted(declared)}"
        needed = {name: each["default"] for name, each in declared.items() if "default" in each}
        sent = needed | values
        assert {name for name, each in declared.items() if each["required"]} <= set(sent)
        for name, value in sent.items():
            self.check(declared[name].get("schema") or _plain(declared[name]), value)
        return self._answered(operation, self._send(method, path, declared, sent))

    def watch(self, operation_id: str, url: str, **chosen: Any) -> requests.Response:
        """Subscribes: the platform puts an address of its own where the definition marks a place for it."""
        [body] = self.operation(operation_id)[2]["parameters"]
        places = [name for name, each in body["schema"]["properties"].items() if each.get("x-ms-notification-url")]
        return self.call(operation_id, body={**chosen, **dict.fromkeys(places, url)})

    def _send(self, method: str, path: str, declared: Shape, sent: Mapping[str, Any]) -> requests.Response:
        asked = {name: value for name, value in sent.items() if declared[name]["in"] == "query"}
        for name, value in sent.items():
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
        proof = self.definition["securityDefinitions"]["api_key"]
        headers, url = {proof["name"]: self.key}, self.url + path
        return requests.request(method, url, params=asked, json=sent.get("body"), headers=headers, timeout=40)

    def _answered(self, operation: Shape, answer: requests.Response) -> requests.Response:
        declared = operation["responses"].get(str(answer.status_code), operation["responses"]["default"])
        self.check(declared.get("schema", {}), answer.json())
        for name in declared.get("headers", ()) if answer.ok else ():
            assert name in answer.headers
        return answer

    def check(self, schema: Shape, value: Any) -> None:
        """Fails when the value is not as the schema says. What is null is left out: Swagger 2.0 has no word for it."""
        Draft4Validator({**schema, "definitions": self.definition["definitions"]}).validate(_filled(value))

    def choices(self, shape: Shape) -> list[tuple[str, str]]:
        """What a list offers, value and title, by its newer words; the older ones must say the same."""
        new, old = shape["x-ms-dynamic-list"], shape["x-ms-dynamic-values"]
        told = {name: each["value"] for name, each in new["parameters"].items()}
        assert (old["operationId"], old["parameters"]) == (new["operationId"], told)
        assert (old["value-path"], old["value-title"]) == (new["itemValuePath"], new["itemTitlePath"])
        listed = self.call(new["operationId"], **told).json()
        return [(each[new["itemValuePath"]], each[new["itemTitlePath"]]) for each in listed]

    def form(self, shape: Shape) -> Shape:
        """The schema of an object that the service describes; both words must say the same."""
        new, old = shape["x-ms-dynamic-properties"], shape["x-ms-dynamic-schema"]
        told = {name: each["value"] for name, each in new["parameters"].items()}
        assert (old["operationId"], old["parameters"]) == (new["operationId"], told)
        assert old["value-path"] == new["itemValuePath"]
        found: Shape = self.call(new["operationId"], **told).json()[new["itemValuePath"]]
        return found


def _plain(parameter: Shape) -> Shape:
    """A parameter that is no body says its type itself."""
    return {key: parameter[key] for key in ("type", "enum") if key in parameter}


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each) for key, each in value.items() if each is not None}
    return [_filled(each) for each in value] if isinstance(value, list) else value
