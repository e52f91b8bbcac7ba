"""Try: a payload is pasted, and it is seen what would become of it; then it is sent for real."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import flash, render_template, request

from connector import samples
from connector.api.access import services
from connector.api.answers import base_url
from connector.body import read_json
from connector.errors import Problem
from connector.web import door
from connector.web.boxes import UNKNOWN, curl
from connector.web.choosing import chosen, key_of, mapping_of
from connector.web.pages import blueprint
from connector.web.sending import once
from connector.web.speaking import Answer, ask
from connector.web.words import _

_OPTIONS = ("source", "mode", "timezone", "country", "unmapped")
_LINES, _FORM, _XML, _JSON = (
    *("application/x-ndjson", "application/x-www-form-urlencoded", "application/xml", "application/json"),
)
# Records that are shown of many.
_SHOWN = 5


@blueprint.get("/try")
@door.members_only
def trying() -> str:
    """With a sample in it, when one is chosen."""
    source, _sep, name = request.args.get("sample", "").partition("/")
    return _page(_sample(source, name))


@blueprint.post("/try")
@door.members_only
def look() -> str:
    """What would become of it; as a part where the page is there already."""
    seen = _seen()
    if "HX-Request" in request.headers:
        return render_template("try_seen.html", **seen, **_fixed(request.form))
    return _page(request.form, **seen)


@blueprint.post("/try/send")
@door.members_only
def send() -> str | tuple[str, int]:
    """Sends it: one contact, or, when there are more, all of them as an import."""
    seen = _seen()
    many = seen.get("seen") is not None and len(seen["seen"]["records"]) > 1
    try:
        sent = _ask("/v1/contacts/batch" if many else "/v1/contacts", is_sent=True)
    except Problem as problem:
        return _page(request.form, **{**seen, "problem": problem}), problem.status
    return _page(request.form, **_seen(), sent=sent.body)


@blueprint.post("/try/mapping")
@door.members_only
def save_mapping() -> str | tuple[str, int]:
    """Keeps what was chosen under a name."""
    name = request.form.get("name", "").strip()
    try:
        ask("POST", "/v1/mappings", json={"name": name, "mapping": mapping_of(request.form)})
    except Problem as problem:
        return _page(request.form, **{**_seen(), "problem": problem}), problem.status
    flash(_("The mapping %(name)s is saved. Requests name it in the header X-Connector-Mapping.", name=name))
    return _page(request.form, **_seen())


def _page(given: Mapping[str, Any], **more: Any) -> str:
    return render_template("try.html", given=given, **_fixed(given), **more)


def _fixed(given: Mapping[str, Any]) -> dict[str, Any]:
    manifest = services().manifest
    body = _body(given)
    command = curl(base_url(), UNKNOWN, body, f"/v1/contacts{_query(given)}", _kind(body)) if body.strip() else ""
    samples_ = [(key, each.label, samples.names(key)) for key, each in manifest.sources.items()]
    return {"sources": manifest.sources, "samples": samples_, "fields": manifest.fields, "command": command}


def _seen() -> dict[str, Any]:
    """The preview, or the problem with it; nothing of nothing."""
    if not request.form.get("payload", "").strip():
        return {}
    try:
        seen = _ask("/v1/preview").body
    except Problem as problem:
        return {"problem": problem}
    records = seen["records"]
    choosable = _kind(request.form["payload"]) == _JSON
    told = {"seen": seen, "shown": records[:_SHOWN], "choosable": choosable}
    return {**told, "chosen": chosen(request.form), "data_key": key_of}


def _ask(path: str, *, is_sent: bool = False) -> Answer:
    """Asks of the payload; what is sent for real goes out once."""
    body = _body(request.form)
    query = {name: request.form.get(name, "") for name in _OPTIONS}
    headers = {"Content-Type": _kind(body), **(once(path, query, body) if is_sent else {})}
    return ask("POST", path, query=query, data=body.encode("utf-8", "surrogatepass"), headers=headers)


def _body(given: Mapping[str, Any]) -> str:
    """The payload as it was pasted; with what was chosen, in an envelope with it."""
    payload, mapping = str(given.get("payload", "")), mapping_of(given)
    if not mapping or _kind(payload) != _JSON:
        return payload
    return f'{{"mapping": {json.dumps(mapping, ensure_ascii=False)}, "payload": {payload}}}'


def _query(given: Mapping[str, Any]) -> str:
    said = {name: given[name] for name in _OPTIONS if given.get(name)}
    return f"?{urlencode(said)}" if said else ""


def _kind(payload: str) -> str:
    """Content type, by how it begins."""
    text = payload.lstrip()
    if text[:1] == "<":
        return _XML
    if text[:1] not in ("{", "[") and "=" in text.partition("\n")[0]:
        return _FORM
    first, _line, rest = text.partition("\n")
    return _LINES if rest.strip() and _is_json(first) else _JSON


def _is_json(text: str) -> bool:
    try:
        return isinstance(read_json(text.encode("utf-8", "surrogatepass")), dict)
    except Problem:
        return False


def _sample(source: str, name: str) -> dict[str, str]:
    """A sample as it would be pasted, and how it is read."""
    if name not in (samples.names(source) if source in services().manifest.sources else ()):
        return {}
    found = samples.sample(source, name)
    text = found.body.decode()
    if found.content_type == _JSON:
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    told = {"source": source} if found.headers else {}
    return {"payload": text, "sample": f"{source}/{name}", **told, **dict(found.options)}
