"""Steps: what somebody does in the other system, in order, in words."""

from collections.abc import Callable, Mapping
from functools import partial

from connector.ledger.inbounds import Address

_NOTION = (
    "For events of an integration: on notion.so/profile/integrations open your integration, then its tab Webhooks, and "
    "choose Create a subscription. Give this address: {url}",
    "Subscribe to the page events: page.created, page.properties_updated, page.content_updated, page.deleted.",
    "Notion sends a token here at once. Read it with GET /v1/inbound/{id}: it is verification_token.",
    "In Notion choose Verify, and paste the token. It is the secret of this address from now on.",
    "Share the database with the integration, and give the integration's token as credential with PATCH "
    "/v1/inbound/{id}: the events carry only ids, so each page is read with it.",
    "For a database automation or button instead: make another inbound address, add the action Send webhook with its "
    "address, tick the properties to send, and add the custom header X-API-Key with an API key of scope write (made "
    "with POST /v1/keys). No token and no credential are needed then.",
)
_GOOGLE_SHEETS = (
    "In the spreadsheet choose Extensions, then Apps Script, and replace what is there by the script of GET "
    "/v1/inbound/{id}/script. It has this address in it: {url}",
    "In the script's second line put the secret in the place of PASTE_THE_SECRET_HERE, and save.",
    "Choose the function setUp and run it once. Google asks for the permissions that it needs: to see this "
    "spreadsheet, and to connect to another service.",
    "The first row of each sheet must hold the column names. From now on each row that is edited, and each answer of a "
    "form, is sent. Run sendAllRows to send what is there already.",
)
_DYNAMICS = (
    "Open the Plug-in Registration Tool, connect to your environment, and choose Register, then Register New Web Hook.",
    "Endpoint URL: {url}",
    "Authentication: WebhookKey, and the secret as its value. Or HttpHeader, with the key X-Connector-Key and the "
    "secret as its value.",
    "On the new webhook choose Register New Step: message Create, primary entity contact, stage PostOperation, "
    "execution mode Asynchronous. Do the same for Update, and for the entity lead if you use leads.",
    "For each Update step register an image: Post Image, with the columns emailaddress1, firstname, lastname and those "
    "that you want in Crisp. An update holds only what has changed, and without an e-mail address nobody is found.",
)
_GENERIC = (
    "Send each record as JSON, with POST, to: {url}",
    "Prove each request in one of three ways. Signed: header X-Connector-Signature with sha256= and the hex "
    "HMAC-SHA256 of the body, made with the secret. With an API key: header X-API-Key with a key of scope write.",
    "Or, where the system can do neither: add ?key= and the secret to the address. Whoever sees that address can send.",
    "If it can, let it send an id of its event in the header Webhook-Id: what comes twice is then taken once.",
)
_STEPS: Mapping[str, tuple[str, ...]] = {
    "notion": _NOTION,
    "google_sheets": _GOOGLE_SHEETS,
    "dynamics": _DYNAMICS,
    "generic": _GENERIC,
}


def steps_of(address: Address, url: str) -> list[str]:
    """The steps for an address that the outside knows as `url`; without its secret."""
    filled: Callable[[str], str] = partial(_filled, inbound_id=address.id, url=url)
    return [filled(step) for step in _STEPS.get(address.source, _GENERIC)]


def _filled(step: str, *, inbound_id: str, url: str) -> str:
    return step.replace("{id}", inbound_id).replace("{url}", url)
