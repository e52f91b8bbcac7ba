"""WooCommerce's REST API v3: customers ("Customers", "Pagination", "Errors")."""

import base64
import math
from collections.abc import Sequence
from typing import Any

from werkzeug import Request, Response

from tests.vendors.standing import Person, answered

KEY = "woocommerce"
CREDENTIAL = {"url": "https://shop.example/store", "consumer_key": "ck_sample", "consumer_secret": "cs_sample"}
_BASIC = base64.b64encode(b"ck_sample:cs_sample").decode()


def customer(person: Person) -> dict[str, Any]:
    told = {"id": person.number, "date_modified_gmt": person.at[:-1], "email": person.email, "role": "customer"}
    billing = {"first_name": person.first_name, "email": person.email, "phone": "", "country": ""}
    return {**told, "first_name": person.first_name, "billing": billing, "shipping": {}, "is_paying_customer": False}


def answer(request: Request, people: Sequence[Person]) -> Response:
    if request.headers.get("Authorization") != f"Basic {_BASIC}":
        return answered({"code": "woocommerce_rest_cannot_view", "data": {"status": 401}}, 401)
    assert request.path == "/store/wp-json/wc/v3/customers"
    assert (request.args["orderby"], request.args["order"]) == ("id", "asc")
    size, start = int(request.args["per_page"]), int(request.args["offset"])
    assert 0 < size <= 100
    found = [customer(each) for each in people[start : start + size]]
    return answered(found, X_WP_Total=str(len(people)), X_WP_TotalPages=str(math.ceil(len(people) / size)))
