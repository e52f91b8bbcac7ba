"""Promise 17 on real processes: nobody is told inside the network, neither when it is asked for nor later."""

from pathlib import Path

from tests.hooks.receiving import receiving
from tests.process.running import Crisp, Service, running, until
from tests.process.subscriber import HOOKED, SECRET, in_crisp

CLOSED = {**HOOKED, "CONNECTOR_EGRESS_ALLOW": "", "CONNECTOR_HOOK_SCHEDULE": "0,1"}
# The port is put in; all of them are this machine.
FORMS = (
    "http://127.0.0.1:{port}/hook",
    "https://127.0.0.1:{port}/hook",
    "https://localhost:{port}/hook",
    "https://localhost.:{port}/hook",
    "https://2130706433:{port}/hook",
    "https://0x7f.1:{port}/hook",
    "https://0177.0.0.1:{port}/hook",
    "https://１２７.0.0.1:{port}/hook",
    "https://[::1]:{port}/hook",
    "https://[::ffff:127.0.0.1]:{port}/hook",
    "https://[64:ff9b::7f00:1]:{port}/hook",
    "https://[2002:7f00:1::]:{port}/hook",
    "https://0.0.0.0:{port}/hook",
    "https://ada@127.0.0.1:{port}/hook",
)
OTHERS = ("file:///etc/passwd", "gopher://127.0.0.1/", "https://169.254.169.254/latest", "https://10.0.0.1/hook")


def test_promise_17_no_address_of_a_user_leads_inside(env: dict[str, str], crisp: Crisp, tmp_path: Path) -> None:
    with receiving() as victim:
        port = victim.url.rpartition(":")[2]
        with running("serve", "--port", "0", "--json", env={**env, **CLOSED}, folder=tmp_path) as process:
            service = Service(process.url)
            for form in (*FORMS, *OTHERS):
                asked = {"event": "contact_created", "target_url": form.format(port=port)}
                answer = service.post("/v1/subscriptions", json=asked)
                assert (answer.status_code, answer.json()["code"]) == (422, "target_refused"), form
                fetched = service.post("/v1/imports", json={"url": form.format(port=port)})
                assert (fetched.status_code, fetched.json()["code"]) == (422, "url_refused"), form
        assert victim.told == []


def test_promise_17_what_was_open_once_is_judged_again_at_every_delivery(
    env: dict[str, str], crisp: Crisp, tmp_path: Path
) -> None:
    with receiving() as victim:
        with running("serve", "--port", "0", "--json", env={**env, **HOOKED}, folder=tmp_path) as process:
            asked = {"event": "contact_created", "target_url": f"{victim.url}/hook"}
            assert Service(process.url).post("/v1/subscriptions", json=asked).status_code == 201
        with running("serve", "--port", "0", "--json", env={**env, **CLOSED}, folder=tmp_path) as process:
            crisp.set(hook_url=f"{process.url}/crisp/{env['CRISP_WEBSITE_ID']}", hook_secret=SECRET)
            in_crisp(crisp, "POST", "people/profile", email="ada@example.com", person={"nickname": "Ada"})
            service = Service(process.url)
            until(lambda: [each["status"] for each in service.get("/v1/deliveries").json()] == ["dead"], 15)
            [told] = service.get("/v1/deliveries").json()
            crisp.set(hook_url=None)
        assert [each.get("reason") for each in told["trail"]] == ["it does not begin with https://"] * 2
        assert victim.told == []
