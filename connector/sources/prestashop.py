"""PrestaShop: customers and their addresses, from the webservice in XML and JSON, and from modules that send webhooks.

Shapes: PrestaShop developer docs (webservice, resources customers and addresses). PrestaShop has no webhooks of its
own; what a module sends is read when it has the webservice's names.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from connector.markup import AT, TEXT
from connector.record import Record, Value
from connector.sources.base import Inbound, Rule, in_query
from connector.sources.values import truth

KEY = "prestashop"

_ROOT = "prestashop"
# The resources of the webservice that are read: what one is called, and many.
_CUSTOMER, _ADDRESS = ("customer", "customers"), ("address", "addresses")
_OF_CUSTOMERS = ("firstname", "lastname", "email", "id_default_group")
# Where modules put a customer, and the name of what happened.
_HOLDERS, _INSIDE = ("data", "payload"), ("customer", "object")
_EVENTS = ("event", "hook", "topic", "action", "type")
# Nobody may see these, nor may they be kept.
_SECRETS = frozenset({"passwd", "secure_key", "reset_password_token"})
_NAMED = "|".join(sorted(_SECRETS)).encode()
_IN_XML = re.compile(rb"(<(%b)\b[^>]*(?<!/)>).*?(</\2\s*>)" % _NAMED, re.DOTALL)
_IN_JSON = re.compile(rb'(\\*"(?:%b)\\*"\s*:\s*\\*")(?:[^"\\]|\\+/)*' % _NAMED)
_IN_FORM = re.compile(rb"((?:%b)(?:%%5[Dd]|\])?=)[^&]*" % _NAMED)
_ID = f"{AT}id"
# Made once: a union that is written where it is used is made anew each time.
_LISTED = (dict, list)
# MySQL's way to say that there is none.
_NEVER, _TIMES = "0000-00-00", ("date_add", "date_upd")
# The GDPR module makes this customer in every shop, for the orders of those who were erased.
_NOBODY = "anonymous@psgdpr.com"


def _is_xml(payload: Any) -> bool:
    return isinstance(payload, dict) and payload.keys() == {_ROOT}


def _is_index(payload: Any) -> bool:
    """Whether a list says the ids alone, as without `display=full`."""
    listed = listed_in(payload, _CUSTOMER) if _is_xml(payload) else []
    return bool(listed) and all(name.startswith(AT) for each in listed for name in each)


def _is_json(payload: Any) -> bool:
    if not isinstance(payload, dict) or _ROOT in payload:
        return False
    first = next(iter(listed_in(payload, _CUSTOMER)), {})
    named = "id_default_group" in first or first.keys() >= {"id_gender", "date_upd", "id_shop_group"}
    return named or payload.keys() >= {"id_default_group", "secure_key"}


def _is_address(payload: Any) -> bool:
    first = next(iter(listed_in(payload, _ADDRESS)), {})
    return "id_customer" in first and "postcode" in first


def _is_module(payload: Any) -> bool:
    return _in_module(payload) is not None


RULES = (
    Rule(99.1, "webservice_xml_index", _is_index, frozenset({_ROOT}), {_ROOT: frozenset(_CUSTOMER)}),
    Rule(99.2, "address", _is_address, frozenset({_ROOT, *_ADDRESS}), {_ROOT: frozenset(_ADDRESS)}),
    Rule(99.3, "webservice_xml", _is_xml, frozenset({_ROOT})),
    Rule(99.4, "webservice_json", _is_json, frozenset({*_CUSTOMER, "id_default_group"})),
    Rule(
        99.5,
        "module_webhook",
        _is_module,
        frozenset({*_HOLDERS, *_INSIDE, "firstname"}),
        {
            **dict.fromkeys(_HOLDERS, frozenset({*_INSIDE, "firstname"})),
            **dict.fromkeys(_INSIDE, frozenset({"firstname"})),
        },
    ),
)


def claim(payload: Any) -> str | None:
    """Whatever has the names of a customer, and an empty list, which is how the webservice says that there are none."""
    named = isinstance(payload, dict) and any(name in payload for name in _OF_CUSTOMERS)
    return "webservice_json" if named or payload == [] else None


def records(payload: Any, variant: str) -> Iterator[Record]:
    """One record per customer, or per address, which is a part of its customer."""
    found: Iterable[Record | None]
    if variant == "module_webhook":
        found = (_told(payload),)
    elif variant == "address":
        found = [_address(_plain(member)) for member in listed_in(payload, _ADDRESS)]
    else:
        found = [_customer(_plain(member), _addresses_of(member), None) for member in _customers_in(payload)]
    return (each for each in found if each is not None)


def _customers_in(payload: Any) -> list[dict[str, Any]]:
    """The customers of a resource, or one by itself."""
    bare = isinstance(payload, dict) and payload.keys().isdisjoint((_ROOT, *_CUSTOMER))
    return [payload] if bare else listed_in(payload, _CUSTOMER)


def listed_in(payload: Any, names: tuple[str, str]) -> list[dict[str, Any]]:
    """The members of a resource: `customer`, `customers` with a list, or XML's `customers` with `customer` inside."""
    inner = payload.get(_ROOT, payload) if isinstance(payload, dict) else None
    if not isinstance(inner, dict):
        return []
    found = inner.get(names[0], inner.get(names[1]))
    if isinstance(found, dict) and isinstance(found.get(names[0]), _LISTED):
        found = found[names[0]]
    return [each for each in (found if isinstance(found, list) else [found]) if isinstance(each, dict)]


def _addresses_of(customer: Mapping[str, Any]) -> list[Any]:
    """Those that somebody has put beside the customer: the webservice keeps them elsewhere."""
    found = customer.get("addresses")
    return found if isinstance(found, list) else []


def _plain(member: Mapping[str, Any]) -> dict[str, Value]:
    """The values of a customer or an address: without secrets, XML's as their text, times that are none as nothing."""
    values: dict[str, Value] = dict(member)
    for name in _SECRETS:
        values.pop(name, None)
    for name in [name for name, value in values.items() if type(value) is dict]:  # an element with attributes
        values[name] = member[name].get(TEXT)
    if "id" not in values and _ID in member:
        values["id"] = member[_ID]
    for name in _TIMES:
        if (written := values.get(name)) and str(written)[:10] == _NEVER:
            values[name] = None
    return values


def _customer(values: dict[str, Value], addresses: list[Any], event: str | None) -> Record | None:
    if values.get("email") == _NOBODY:
        return None
    if addresses:
        living = (_plain(each) for each in addresses if isinstance(each, dict))
        first = next((each for each in living if not truth(each.get("deleted"))), {})
        for name, value in first.items():
            values["addresses." + name] = value
    for name in ("newsletter", "deleted"):
        if name in values:
            values[name] = truth(values[name])
    return Record(values, {"record_id": values.get("id"), "happened": event})


def _address(values: dict[str, Value]) -> Record | None:
    """An address of a customer's; suppliers have some too, and those that are changed leave a deleted one behind."""
    owner = values.get("id_customer")
    if owner in (None, "", "0", 0) or truth(values.get("deleted")):
        return None
    return Record(values, {"record_id": f"customer:{owner}"}, "address")


def _in_module(payload: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """What a module puts around a customer, and the customer."""
    outer = payload if isinstance(payload, dict) else {}
    for holder in chain((outer,), _within(outer, _HOLDERS)):
        for found in chain(_within(holder, _INSIDE), (holder,)):
            named = "firstname" in found and "lastname" in found
            if named and ("id_gender" in found or "id_shop" in found):
                return holder, found
    return None


def _within(outer: dict[str, Any], names: Iterable[str]) -> Iterator[dict[str, Any]]:
    return (_object(outer[name]) for name in names if name in outer)


def _object(value: Any) -> dict[str, Any]:
    """An object, also as the JSON in a form's field."""
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _told(payload: dict[str, Any]) -> Record | None:
    holder, customer = _in_module(payload) or ({}, {})
    listed = next((each for each in (customer.get("addresses"), holder.get("addresses")) if isinstance(each, list)), [])
    event = next((payload[name] for name in _EVENTS if isinstance(payload.get(name), str)), None)
    return _customer(_plain(customer), listed, event)


def verify(inbound: Inbound, secret: str) -> bool:
    """The secret in the address, as `key`: modules sign in ways of their own, if at all."""
    return in_query(inbound, "key", secret)


def kept(body: bytes) -> bytes:
    """What a module sends, without passwords and keys."""
    if body.lstrip()[:1] in (b"{", b"[", b"<"):
        return _IN_JSON.sub(rb"\1", _IN_XML.sub(rb"\1\3", body))
    return _IN_FORM.sub(rb"\1", _IN_JSON.sub(rb"\1", body))
