"""What vendors answer step by step, driven without I/O: tokens, and addresses that lead elsewhere."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from connector import vendors
from connector.vendors import dynamics, google_sheets, notion, salesforce, shopify, woocommerce, zoho
from connector.vendors.base import Access, Account, Asking, Page, Reply, Request, Trouble

ZOHO = {"client_id": "i", "client_secret": "s", "refresh_token": "r", "domain": "eu"}
SALESFORCE = {"url": "https://example.my.salesforce.com", "client_id": "i", "client_secret": "s"}
WOOCOMMERCE = {"url": "https://x", "consumer_key": "k", "consumer_secret": "s"}
DYNAMICS = Account({"url": "https://example.crm4.dynamics.com"}, Access("t", base="https://example.crm4.dynamics.com"))
NOW = 1_780_000_000_000


def ended(asking: Asking[Any], *values: Any) -> Any:
    """What it ends with when it is answered with these, one after the other."""
    next(asking)
    try:
        for value in values:
            asking.send(Reply(200, {}, value))
    except StopIteration as end:
        return end.value
    raise AssertionError("it asks for more")


def test_a_service_account_signs_for_a_token() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    file = {"type": "service_account", "client_email": "a@b.iam.gserviceaccount.com", "private_key": pem}
    said = vendors.credential("google_sheets", json.dumps({**file, "token_uri": "https://evil.example/token"}))
    asking = google_sheets.login(said, NOW)
    assert asking is not None
    request = next(asking)
    assert request.url == "https://oauth2.googleapis.com/token", "whatever the file says"
    told = parse_qs((request.body or b"").decode())
    claims = jwt.decode(told["assertion"][0], public, verify=False)  # type: ignore[no-untyped-call]
    assert (claims["iss"], claims["iat"], claims["exp"]) == (file["client_email"], NOW // 1000, NOW // 1000 + 3600)
    assert claims["scope"].endswith("/spreadsheets.readonly")
    assert jwt.decode(told["assertion"][0], public, verify=True, clock_skew_in_seconds=10**9)["aud"] == request.url  # type: ignore[no-untyped-call]


def test_a_private_key_that_is_none_is_refused() -> None:
    asking = google_sheets.login({"client_email": "a@b.example", "private_key": "no key"}, NOW)
    assert asking is not None
    with pytest.raises(Trouble, match="source_credential_refused"):
        next(asking)


@pytest.mark.parametrize(
    ("answer", "code", "seconds"),
    [
        ({"error": "invalid_code"}, "source_credential_refused", None),
        ({"error": "Access Denied", "error_description": "You have made too many requests"}, "source_busy", 600),
        ({"access_token": "t", "api_domain": "https://evil.example"}, "source_unreachable", None),
        ({"access_token": "t", "api_domain": "http://www.zohoapis.eu"}, "source_unreachable", None),
        ([], "source_credential_refused", None),
    ],
)
def test_zoho_says_with_200_what_is_wrong(answer: Any, code: str, seconds: int | None) -> None:
    with pytest.raises(Trouble) as trouble:
        ended(zoho.login(ZOHO, NOW), answer)
    assert (trouble.value.code, trouble.value.seconds) == (code, seconds)


@pytest.mark.parametrize("domain", ["com", "eu", "in", "com.au", "com.cn", "jp", "ca", "sa", "uk", "ae"])
def test_zoho_has_a_place_for_tokens_in_every_data_centre(domain: str) -> None:
    said = vendors.credential("zoho", json.dumps({**ZOHO, "domain": domain}))
    request = next(zoho.login(said, NOW))
    assert request.url.startswith("https://accounts.zoho")
    assert "r" not in request.url.removeprefix("https://accounts.zoho").partition("?")[2]


def test_salesforces_token_is_good_where_it_says() -> None:
    access = ended(salesforce.login(SALESFORCE, NOW), {"access_token": "t", "instance_url": "https://eu1.example.com"})
    assert (access.token, access.base) == ("t", "https://eu1.example.com")
    with pytest.raises(Trouble):
        ended(salesforce.login(SALESFORCE, NOW), {"access_token": "t", "instance_url": "http://eu1.example.com"})


def test_shopifys_older_apps_have_a_token_already() -> None:
    said = vendors.credential("shopify", '{"shop": "https://My-Shop.myshopify.com/", "access_token": "shpat_x"}')
    assert (said["shop"], shopify.login(said, NOW)) == ("my-shop.myshopify.com", None)


@pytest.mark.parametrize("onward", ["https://evil.example/api/data/v9.2/x", "//evil.example", 7, {}])
def test_a_next_page_is_at_the_same_place(onward: Any) -> None:
    answer = {"value": [], "@odata.nextLink": onward}
    with pytest.raises(Trouble, match="source_unreachable"):
        ended(dynamics.page(DYNAMICS, None, None), answer)


def shown(shop: list[int], account: Account, cursor: Any, *, most: int = 100, counts: bool = False) -> Page:
    """A page of WooCommerce's, of a shop that has customers of these numbers now, gives so many at most, and perhaps
    says how many it has."""
    headers = {"x-wp-total": str(len(shop))} if counts else {}
    asking = woocommerce.page(account, None, cursor)
    try:
        request = next(asking)
        while True:
            asked = parse_qs(urlsplit(request.url).query)
            place, count = int(asked["offset"][0]), min(int(asked["per_page"][0]), most)
            request = asking.send(Reply(200, headers, [{"id": each} for each in shop[place : place + count]]))
    except StopIteration as end:
        found: Page = end.value
        return found


@pytest.mark.parametrize("gone", [{1}, {2}, {1, 2, 3}, {4}, {3, 4}, {1, 4}, {1, 2, 3, 4}, set(range(1, 9)), {5}, {9}])
@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("after", [1, 2])
@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("most", [2, 100])
def test_woocommerces_customers_are_all_seen_whoever_is_removed_meanwhile(
    gone: set[int], size: int, after: int, counts: bool, most: int
) -> None:
    """Also where fewer come at once than are asked for."""
    shop = list(range(1, 10))
    account = Account(WOOCOMMERCE, pull={"page_size": size})
    seen, cursor = [], None
    for number in range(30):
        if number == after:
            shop = [each for each in shop if each not in gone]
        page = shown(shop, account, cursor, counts=counts, most=most)
        seen += [each["id"] for each in page.payloads]
        cursor = page.cursor
        if cursor is None:
            break
    assert cursor is None
    assert set(shop) <= set(seen)
    assert sorted(set(seen)) == seen, "nobody comes twice"


@pytest.mark.parametrize("counts", [True, False])
def test_a_shop_that_gives_one_customer_at_a_time_does_not_seem_to_have_one_alone(counts: bool) -> None:
    with pytest.raises(Trouble, match="source_repeats"):
        shown([1, 2, 3], Account(WOOCOMMERCE), None, counts=counts, most=1)
    page = shown([1], Account(WOOCOMMERCE), None, counts=counts, most=1)
    assert (page.payloads, page.cursor) == ([{"id": 1}], None)


def test_a_shop_that_says_how_many_it_has_is_not_asked_for_more() -> None:
    assert shown([1, 2, 3], Account(WOOCOMMERCE), None, counts=True).cursor is None
    assert shown([1, 2, 3], Account(WOOCOMMERCE), None).cursor is not None


@pytest.mark.parametrize(("place", "told"), [(0, [1]), (0, []), (4, [5])])
def test_woocommerces_customers_who_are_counted_and_do_not_come_are_missed(place: int, told: list[int]) -> None:
    asking = woocommerce.page(Account(WOOCOMMERCE), None, [place, 5, 1] if place else None)
    next(asking)
    with pytest.raises(Trouble, match="source_repeats"):
        asking.send(Reply(200, {"x-wp-total": "9"}, [{"id": each} for each in told]))


def test_notion_gives_no_more_than_ten_thousand_to_a_query() -> None:
    account = Account({"token": "t"}, pull={"data_source_id": "x"})
    cut = {"has_more": False, "next_cursor": None, "request_status": {"type": "incomplete"}}
    made = "2026-06-01T09:00:00.000Z"
    page = ended(notion.page(account, NOW, None), {"results": [{"created_time": made}], **cut})
    assert page.cursor == [made, None]
    request = next(notion.page(account, NOW, page.cursor))
    assert json.loads(request.body or b"")["filter"]["and"] == [
        {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": "2026-05-28T20:26:00Z"}},
        {"timestamp": "created_time", "created_time": {"on_or_after": made}},
    ]
    with pytest.raises(Trouble, match="source_refused"):  # all of one minute: there is no way on
        ended(notion.page(account, NOW, page.cursor), {"results": [{"created_time": made}], **cut})


@pytest.mark.parametrize("answer", [None, [], {}, {"value": 7}, {"results": None}, "text", {"data": {}}])
@pytest.mark.parametrize("key", sorted(vendors.registry()))
def test_an_answer_that_is_none_is_unreachable(key: str, answer: Any) -> None:
    """Whatever comes with 200: it is tried again, and nothing is taken for an empty page that is none."""
    vendor = vendors.registry()[key]
    said = {name: "x" for parts in vendor.CREDENTIALS for name in parts}
    pull = {"database_id": "x", "spreadsheet": "x"}
    page: Callable[..., Asking[Page]] = vendor.page
    if (key, answer) in (("zoho", None), ("woocommerce", [])):
        return  # how they say that there is nothing
    with pytest.raises(Trouble, match=r"source_unreachable|source_missing"):
        ended(page(Account(said, Access("t", base="https://x"), pull), None, None), answer)


def test_no_secret_is_shown() -> None:
    shown = repr(
        [Request("GET", "https://s/secret", {"a": "secret"}, b"secret"), Account({"a": "secret"}, Access("secret"))]
    )
    assert "secret" not in shown
