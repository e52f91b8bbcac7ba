"""The snippet for a web page, run in a Node VM that records what the chatbox is told."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from connector import snippet
from tests.app.stack import Crisp, problem

NODE = shutil.which("node")
SECRET = "the-verification-secret"
HOSTILE = "</script><!--<script>alert('&')\u2028\u2029\"\\ é 😀"
ADA: dict[str, Any] = {
    "email": "ada@example.com",
    "phone": "+33639985612",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "avatar": "https://example.com/ada.png",
    "company_name": "Analytical",
    "company_url": "https://example.com",
    "job_title": "Engineer",
    "country": "FR",
    "city": "Paris",
    "segments": ["vip", "beta"],
    "data": {"plan": "pro", "seats": 3, "trial": False, "gone": None},
}
CONTACTS = [
    ADA,
    {"email": "ada@example.com"},
    {},
    {**ADA, "nickname": HOSTILE, "company_name": HOSTILE, "segments": [HOSTILE], "data": {HOSTILE: HOSTILE}},
]
RUN = """
const { scripts, call } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const pushed = [];
const context = require('node:vm').createContext({});
context.window = context;
context.$crisp = { push: (each) => pushed.push(each) };
for (const script of scripts) require('node:vm').runInContext(script, context);
if (call) context.tellCrisp(...call);
console.log(JSON.stringify(pushed));
"""


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return {"crisp_verification_secret": SECRET}


def pushed(*scripts: str, call: list[Any] | None = None) -> list[Any]:
    """What the chatbox is told."""
    assert NODE is not None, "node is not installed"
    told = json.dumps({"scripts": scripts, "call": call})
    ended = subprocess.run([NODE, "-e", RUN], input=told, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 0, ended.stderr
    found: list[Any] = json.loads(ended.stdout)
    return found


def in_page(html: str) -> str:
    """The script, as a browser finds it in a page: it ends at the first end tag."""
    found = re.match(r"<script>(.*?)</script>\s*$", html, re.DOTALL | re.IGNORECASE)
    assert found, html
    assert not re.search(r"<!--|<|>", found[1].replace("=>", ""))
    return found[1]


@pytest.mark.parametrize("contact", CONTACTS)
@pytest.mark.parametrize("secret", [None, SECRET])
def test_both_helpers_tell_the_same(contact: dict[str, Any], secret: str | None) -> None:
    wanted = [["set", name, values] for name, values in snippet.settings(contact, secret)]
    assert pushed(in_page(snippet.html(contact, secret))) == wanted
    signature = snippet.verification(contact["email"], secret) if secret and contact else None
    code = (Path(snippet.__file__).parent / "platforms" / "web_sdk.js").read_text()
    assert pushed(code, call=[contact, signature]) == wanted


def test_what_the_chatbox_is_told() -> None:
    told = {name: values for _, name, values in pushed(in_page(snippet.html(ADA, SECRET)))}
    assert told["user:email"][0] == "ada@example.com"
    assert re.fullmatch("[0-9a-f]{64}", told["user:email"][1])
    assert told["user:nickname"] == ["Ada Lovelace"]
    company = {"url": "https://example.com", "employment": ["Engineer", ""], "geolocation": ["FR", "Paris"]}
    assert told["user:company"] == ["Analytical", company]
    assert told["session:data"] == [[["plan", "pro"], ["seats", 3], ["trial", False]]]
    assert told["session:segments"] == [["vip", "beta"], False]


def test_an_address_is_proved_by_hmac_sha256() -> None:
    """A vector that is widely known."""
    made = snippet.verification("The quick brown fox jumps over the lazy dog", "key")
    assert made == "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"


def test_the_helper_needs_nothing(tmp_path: Path) -> None:
    """In a Python that has no connector, within Flask as its README says."""
    source = (Path(snippet.__file__)).read_text()
    (tmp_path / "crisp_snippet.py").write_text(source)
    assert not re.search(r"^(?:from|import) (?!hashlib|hmac|json|collections|typing)", source, re.MULTILINE)
    readme = (Path(snippet.__file__).parent / "platforms" / "web_sdk.md").read_text()
    example = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    assert example
    scope: dict[str, Any] = {"__name__": "page"}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        exec(example[1], scope)
    body = scope["app"].test_client().get("/").get_data(as_text=True)
    script = re.search(r"<script>.*</script>", body, re.DOTALL)
    assert script
    assert pushed(in_page(script[0]))[0] == ["set", "user:email", ["ada@example.com"]]


def test_a_contact_as_crisp_has_it(api: FlaskClient, crisp: Crisp) -> None:
    crisp.add("ada@example.com", HOSTILE, segments=["vip"])
    made = api.get("/v1/contacts/ada@example.com/snippet").get_json()
    told = {name: values for _, name, values in pushed(in_page(made["html"]))}
    assert told["user:nickname"] == [HOSTILE]
    assert told["user:email"] == ["ada@example.com", snippet.verification("ada@example.com", SECRET)]
    assert pushed(made["javascript"]) == pushed(in_page(made["html"]))
    problem(api.get("/v1/contacts/nobody@example.com/snippet"), 404, "contact_missing")
