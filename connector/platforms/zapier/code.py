"""The few lines of JavaScript in the app: what Zapier's request objects cannot say. Each is a body of a function."""

import json
from typing import Any

from connector.manifest import Action, Trigger
from connector.platforms.base import always, options_of

# What a form's options are called, so that none has the name of a contact field; and the line items of many contacts.
OPTION, LINES = "option_", "records"
_BASE = "bundle.authData.base_url"

# A slash or a blank at the end of the address does no harm.
ADDRESS = f"""
const given = {_BASE};
if (!given || !request.url.startsWith(given)) return request;
return {{...request, url: given.replace(/[\\s\\/]+$/, '') + request.url.slice(given.length)}};
"""

# The sentence of an error is what its user reads. Who asked may live with a 404 that says that something is not there;
# "not now" is for Zapier to try again.
SENTENCE = """
const told = response.data || {};
const gone = response.status === 404 && String(told.code).endsWith('_missing');
if (response.status < 400 || (gone && response.skipThrowForStatus)) return response;
if (!told.message) response.throwForStatus();
const named = told.code === 'parameter_invalid' ? told.errors || [] : [];
const wrong = named.map((each) => `${each.field}: ${each.message}`);
const sentence = wrong.length ? wrong.join(' ') : told.message;
const pause = Number(response.getHeader('retry-after'));
if (response.status === 503 && pause) throw new z.errors.ThrottledError(sentence, pause);
throw new z.errors.Error(sentence, told.code, response.status);
"""

# Custom data keys of their own (data.plan) and the pairs of the dictionary are one thing.
_SHAPE = """
const shape = (given) => {
  const shaped = {};
  const data = {...given.data};
  for (const [key, value] of Object.entries(given)) {
    if (key.startsWith('data.')) data[key.slice(5)] = value; else shaped[key] = value;
  }
  return {...shaped, data};
};
"""
_MANY = f"""
const {{{LINES}, ...all}} = shape(input);
const body = [].concat({LINES} || []).map(shape).map((one) => ({{...all, ...one, data: {{...all.data, ...one.data}}}}));
"""
_FIELDS = f"url: {_BASE} + '/v1/fields'"


def call(action: Action) -> str:
    """Does an action with what the form has."""
    taken = f"""
const input = {{...bundle.inputData}};
const take = (key) => {{ const value = input[key]; delete input[key]; return value; }};
const url = {_BASE} + {_js(action.path)}.replace(/{{(\\w+)}}/g, (_, key) => encodeURIComponent(take(key)));
const params = {_js(always(action))};
for (const key of {_js([each["key"] for each in options_of(action)])}) {{
  const value = take({_js(OPTION)} + key);
  if (value !== undefined) params[key] = value;
}}
"""
    body = (_SHAPE + (_MANY if action.many else "const body = shape(input);\n")) if action.input_fields else ""
    sent = f"method: {_js(action.method)}, url, params{', body' if body else ''}"
    return f"{taken}{body}const answer = await z.request({{{sent}}});\nreturn answer.data;\n"


def find(action: Action) -> str:
    """Finds one, or none."""
    return f"""
const who = (_, key) => encodeURIComponent(bundle.inputData[key]);
const url = {_BASE} + {_js(action.path)}.replace(/{{(\\w+)}}/g, who);
const answer = await z.request({{url, skipThrowForStatus: true}});
return answer.status === 404 ? [] : [{{id: answer.data.people_id, ...answer.data}}];
"""


def custom_fields(action: Action) -> str:
    """The custom data keys that the connection uses."""
    params = {"action": action.key, "format": "zapier", "dynamic": "1"}
    return f"const answer = await z.request({{{_FIELDS}, params: {_js(params)}}});\nreturn answer.data;\n"


def line_items(action: Action, label: str) -> str:
    """All fields of an action as columns of line items; a column holds neither a dictionary nor a list."""
    params = {"action": action.key, "format": "zapier"}
    return f"""
const answer = await z.request({{{_FIELDS}, params: {_js(params)}}});
const children = answer.data.filter((each) => !each.dict).map(({{list, ...each}}) => each);
return [{{key: {_js(LINES)}, label: {_js(label)}, required: true, children}}];
"""


def choices() -> str:
    """The segments that the connection uses, as a dropdown takes them."""
    named = "answer.data.map((each) => ({id: each.key, name: each.label}))"
    return f"const answer = await z.request({{{_FIELDS}, params: {{choices: 'segments'}}}});\nreturn {named};\n"


def subscribe(trigger: Trigger) -> str:
    """Says who is to be told. The secret of the answer is not kept: nothing here could check a signature."""
    return f"""
const filter = {{}};
for (const key of {_js(trigger.filters)}) if (bundle.inputData[key]) filter[key] = bundle.inputData[key];
const body = {{event: {_js(trigger.key)}, target_url: bundle.targetUrl, filter}};
if (bundle.inputData.include_own !== undefined) body.include_own = bundle.inputData.include_own;
const answer = await z.request({{method: 'POST', url: {_BASE} + '/v1/subscriptions', body}});
return {{id: answer.data.id}};
"""


UNSUBSCRIBE = f"""
const url = {_BASE} + '/v1/subscriptions/' + encodeURIComponent(bundle.subscribeData.id);
await z.request({{method: 'DELETE', url, skipThrowForStatus: true}});
return {{}};
"""

TOLD = "return [bundle.cleanedRequest];"


def recent(trigger: Trigger) -> str:
    """Up to three events for the editor; where there is none yet, an example."""
    events = f"{_BASE} + {_js(f'/v1/events/{trigger.key}')}"
    return f"""
const last = await z.request({{url: {events}, params: {{limit: 3, include_own: true}}}});
if (last.data.length) return last.data;
const sample = await z.request({{url: {events} + '/sample'}});
return sample.data;
"""


def _js(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
