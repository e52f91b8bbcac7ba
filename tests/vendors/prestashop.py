"""PrestaShop's webservice: customers, addresses and countries, in XML ("Cheat sheet for Webservice")."""

import base64
import re
from collections.abc import Sequence

from werkzeug import Request, Response

from tests.vendors.standing import Person, moment

KEY = "prestashop"
CREDENTIAL = {"url": "https://shop.example", "key": "SAMPLE0123456789ABCDEFGHIJKLMNOP"}
_BASIC = base64.b64encode(f"{CREDENTIAL['key']}:".encode()).decode()
_SPAN = re.compile(r"\[(.*),(.*)\]")


def answer(request: Request, people: Sequence[Person]) -> Response:
    if request.headers.get("Authorization") != f"Basic {_BASIC}":
        return Response('<?xml version="1.0"?><prestashop><errors/></prestashop>', status=401)
    return {"/api/customers": _customers, "/api/addresses": _addresses, "/api/countries": _countries}[request.path](
        request, people
    )


def _customers(request: Request, people: Sequence[Person]) -> Response:
    assert (request.args["display"], request.args["sort"]) == ("full", "[id_ASC]")
    first = int(_SPAN.fullmatch(request.args["filter[id]"])[1])  # type: ignore[index]
    found = [each for each in people if each.number >= first]
    if since := _SPAN.fullmatch(request.args.get("filter[date_upd]", "")):
        assert request.args["date"] == "1"
        found = [each for each in found if each.changed >= moment(f"{since[1]}Z")]
    return _listed("customer", [_customer(each) for each in found[: int(request.args["limit"])]])


def _customer(person: Person) -> str:
    named = f"<email><![CDATA[{person.email}]]></email><firstname><![CDATA[{person.first_name}]]></firstname>"
    kept = "<passwd><![CDATA[sample-hash]]></passwd><id_default_group><![CDATA[3]]></id_default_group>"
    return (
        f"<id><![CDATA[{person.number}]]></id>{named}{kept}<date_upd><![CDATA[{person.at[:10]} 09:00:00]]></date_upd>"
    )


def _addresses(request: Request, _people: Sequence[Person]) -> Response:
    ids = request.args["filter[id_customer]"].strip("[]").split("|")
    told = "<city><![CDATA[Lyon]]></city><phone><![CDATA[01 99 00 12 34]]></phone><deleted><![CDATA[0]]></deleted>"
    owners = ids[:1]
    link = "https://shop.example/api/countries/8"
    country = f'<id_country xlink:href="{link}"><![CDATA[8]]></id_country>'
    return _listed("address", [f"<id>9</id><id_customer>{each}</id_customer>{country}{told}" for each in owners])


def _countries(request: Request, _people: Sequence[Person]) -> Response:
    assert request.args["filter[id]"] == "[8]"
    return _listed("country", ["<id><![CDATA[8]]></id><iso_code><![CDATA[FR]]></iso_code>"])


def _listed(name: str, members: Sequence[str]) -> Response:
    many = {"customer": "customers", "address": "addresses", "country": "countries"}[name]
    inner = "".join(f"<{name}>{each}</{name}>" for each in members)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<prestashop xmlns:xlink="http://www.w3.org/1999/xlink">'
    return Response(f"{head}\n<{many}>\n{inner}</{many}>\n</prestashop>\n", content_type="text/xml;charset=utf-8")
