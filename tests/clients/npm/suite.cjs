// Crisp's official Node client against the sandbox: one JSON line per check, {"check", "error"}.
// Environment: SANDBOX holds the JSON line with which the sandbox announces itself.
"use strict";

const assert = require("node:assert/strict");
const http = require("node:http");
const { Crisp } = require("crisp-api");

const sandbox = JSON.parse(process.env.SANDBOX);
const W = sandbox.website_id;

function clientWith(token) {
  const client = new Crisp();
  client.setRestHost(sandbox.url);
  client.authenticateTier(sandbox.tier, token.identifier, token.key);
  return client;
}

const crisp = clientWith(sandbox).website;

function profile(name, more) {
  return { email: `${name.toLowerCase()}@npm.example`, person: { nickname: name }, ...more };
}

async function added(name, more) {
  return (await crisp.addNewPeopleProfile(W, profile(name, more))).people_id;
}

// The client rejects with {reason: "error", message: <Crisp's reason>, code: <status>}.
async function refused(promise, code, message) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.code, code);
    assert.equal(error.message, message);
    return true;
  });
}

function steer(route, body) {
  return fetch(`${sandbox.url}/_sandbox${route}`, { method: "POST", body: JSON.stringify(body) });
}

async function until(holds) {
  for (const deadline = Date.now() + 10000; !(await holds()); ) {
    assert.ok(Date.now() < deadline, "it did not come about in time");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// A visitor whose data JSON.parse and JSON.stringify do not leave as they are written in every language.
const ODD = { session_id: "session_odd", nickname: "Zoë 😀", data: { b: 0.5, 10: "ten", 2: 1e21, c: -1.5e-9, d: "\u2028" } };

// What the sandbox posts as plugin hooks while `run` runs: [{body, timestamp, signature}].
async function posted(run, count) {
  const hooks = [];
  const server = http.createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const { "x-crisp-request-timestamp": timestamp, "x-crisp-signature": signature } = request.headers;
    hooks.push({ body: JSON.parse(text), timestamp, signature });
    response.end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  await steer("", { hook_url: `http://127.0.0.1:${server.address().port}/`, hook_secret: "secret" });
  await run();
  await until(() => hooks.length >= count);
  await steer("", { hook_url: null });
  server.close();
  return hooks;
}

// A client that listens for hooks; `received` has [event, data].
async function listeningForHooks(...events) {
  const client = clientWith(sandbox);
  const received = [];
  client.setRtmMode("webhooks");
  await Promise.all(events.map((event) => client.on(event, (data) => received.push([event, data]))));
  return { client, received };
}

const checks = {
  async create() {
    assert.match(await added("Ada"), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  },

  async create_again_is_409() {
    await added("Bob");
    await refused(crisp.addNewPeopleProfile(W, profile("Bob")), 409, "people_exists");
  },

  async invalid_data_is_400() {
    await refused(crisp.addNewPeopleProfile(W, { email: "nobody" }), 400, "invalid_data");
  },

  async exists() {
    const id = await added("Cleo");
    await crisp.checkPeopleProfileExists(W, id);
    await refused(crisp.checkPeopleProfileExists(W, "nobody@npm.example"), 404, "route_error");
  },

  async get_by_email_and_by_people_id() {
    const id = await added("Dora+news", { segments: ["vip"] });
    const byId = await crisp.getPeopleProfile(W, id);
    const byEmail = await crisp.getPeopleProfile(W, "dora+news@npm.example");
    assert.deepEqual(byEmail, byId);
    assert.equal(byId.people_id, id);
    assert.deepEqual(byId.segments, ["vip"]);
    assert.equal(byId.active.now, false);
  },

  async update() {
    const id = await added("Eve", { company: { name: "Analytical" } });
    await crisp.updatePeopleProfile(W, id, { person: { phone: "+33123456789" } });
    const card = await crisp.getPeopleProfile(W, id);
    assert.deepEqual(card.person, { nickname: "Eve", phone: "+33123456789" });
    assert.deepEqual(card.company, { name: "Analytical" });
    await refused(crisp.updatePeopleProfile(W, "999", { notepad: "x" }), 404, "people_not_found");
  },

  async save() {
    const id = await added("Fay", { company: { name: "Analytical" } });
    await crisp.savePeopleProfile(W, id, profile("Fay", { notepad: "new" }));
    const card = await crisp.getPeopleProfile(W, id);
    assert.deepEqual([card.company, card.notepad], [{}, "new"]);
  },

  async data_save_and_update() {
    const id = await added("Gus");
    await crisp.savePeopleData(W, id, { data: { plan: "free", seats: 3 } });
    await crisp.updatePeopleData(W, "gus@npm.example", { data: { plan: "pro", beta: true } });
    assert.deepEqual(await crisp.getPeopleData(W, id), { data: { plan: "pro", seats: 3, beta: true } });
    await crisp.savePeopleData(W, id, { data: { plan: "pro" } });
    assert.deepEqual(await crisp.getPeopleData(W, id), { data: { plan: "pro" } });
  },

  async list_with_search_filter() {
    const id = await added("Hal", { segments: ["npm-search"] });
    const filter = [{ model: "people", criterion: "email", operator: "eq", query: ["hal@npm.example"] }];
    const found = await crisp.listPeopleProfiles(W, 1, "email", "ascending", "and", filter);
    assert.deepEqual(found.map((card) => card.people_id), [id]);
    assert.deepEqual(found[0].active, { now: false });
    assert.deepEqual(await crisp.listPeopleProfiles(W, 1, "", "", "", "", "npm-search"), found);
  },

  async list_in_pages() {
    for (let number = 0; number < 21; number++) await added(`Page${number}`, { segments: ["npm-page"] });
    const filter = [{ model: "people", criterion: "segments", operator: "eq", query: ["npm-page"] }];
    const page = (number) => crisp.listPeopleProfiles(W, number, "email", "descending", "and", filter);
    const [first, second, third] = [await page(1), await page(2), await page(3)];
    assert.deepEqual([first.length, second.length, third.length], [20, 1, 0]);
    assert.equal(first[0].email, "page9@npm.example");
  },

  async suggestions() {
    const id = await added("Ida", { segments: ["npm-suggested"] });
    await crisp.updatePeopleData(W, id, { data: { npm_key: 1 } });
    const segments = await crisp.listSuggestedPeopleSegments(W, 1);
    const keys = await crisp.listSuggestedPeopleDataKeys(W, 1);
    assert.deepEqual(segments.find((each) => each.segment === "npm-suggested"), { segment: "npm-suggested", count: 1 });
    assert.deepEqual(keys.find((each) => each.key === "npm_key"), { key: "npm_key", count: 1 });
    assert.ok((await crisp.getPeopleStatistics(W)).total > 0);
  },

  async events() {
    const id = await added("Jim");
    await crisp.addPeopleEvent(W, id, { text: "order", data: { amount: 42 }, color: "red" });
    const [event] = await crisp.listPeopleEvents(W, id, 1);
    assert.deepEqual([event.text, event.data, event.color], ["order", { amount: 42 }, "red"]);
  },

  async subscription() {
    const id = await added("Kim");
    await crisp.updatePeopleSubscriptionStatus(W, id, { email: false });
    assert.deepEqual(await crisp.getPeopleSubscriptionStatus(W, id), { email: false });
  },

  async batch() {
    const people = { profiles: [await added("Leo"), await added("Mia")] };
    await crisp.batchUpdatePeopleData(W, people, { plan: "pro" });
    await crisp.batchUpdatePeopleSegments(W, people, ["npm-batch"]);
    for (const id of people.profiles) {
      assert.deepEqual(await crisp.getPeopleData(W, id), { data: { plan: "pro" } });
      assert.deepEqual((await crisp.getPeopleProfile(W, id)).segments, ["npm-batch"]);
    }
    await crisp.batchRemovePeople(W, people);
    await refused(crisp.getPeopleProfile(W, people.profiles[0]), 404, "people_not_found");
  },

  async conversation_metas() {
    await added("Nat");
    const visit = { session_id: "session_npm", email: "nat@npm.example", data: { page: "home" } };
    await fetch(`${sandbox.url}/_sandbox/conversations`, { method: "POST", body: JSON.stringify(visit) });
    assert.deepEqual(await crisp.listPeopleConversations(W, "nat@npm.example", 1), ["session_npm"]);
    await crisp.updateConversationMetas(W, "session_npm", { nickname: "Nat", data: { plan: "pro" } });
    await crisp.batchUpdateConversationsData(W, { sessions: ["session_npm"], data: { seats: 3 } });
    const meta = await crisp.getConversationMetas(W, "session_npm");
    assert.deepEqual([meta.nickname, meta.data], ["Nat", { page: "home", plan: "pro", seats: 3 }]);
    assert.deepEqual((await crisp.getConversation(W, "session_npm")).meta, meta);
  },

  async remove() {
    const id = await added("Oda");
    await crisp.removePeopleProfile(W, id);
    await refused(crisp.getPeopleProfile(W, "oda@npm.example"), 404, "people_not_found");
  },

  async import_and_export_are_403() {
    await refused(crisp.importPeopleProfiles(W, { url: "https://npm.example/a.csv" }), 403, "not_allowed");
    await refused(crisp.exportPeopleProfiles(W), 403, "not_allowed");
  },

  async wrong_key_is_401() {
    const stranger = clientWith({ identifier: sandbox.identifier, key: "wrong" }).website;
    await refused(stranger.getPeopleStatistics(W), 401, "invalid_session");
  },

  async wrong_tier_is_401() {
    const client = clientWith(sandbox);
    client.setTier("user");
    await refused(client.website.getPeopleStatistics(W), 401, "invalid_session");
  },

  async wrong_website_is_404() {
    await refused(crisp.getPeopleStatistics("8c842203-7ed8-4e29-a608-7cf78a7d2fcc"), 404, "website_not_found");
  },

  async hooks_are_verified_and_received() {
    const { client, received } = await listeningForHooks("people:profile:created", "session:set_data");
    let id;
    const hooks = await posted(async () => {
      id = await added("Pia");
      await steer("/conversations", ODD);
    }, 3);
    for (const { body, timestamp, signature } of hooks) {
      assert.equal(client.verifyHook("secret", body, timestamp, signature), true, body.event);
      assert.equal(client.receiveHook(body), null);
    }
    await until(() => received.length >= 2);
    assert.deepEqual(received, [
      ["people:profile:created", { website_id: W, people_id: id, email: "pia@npm.example" }],
      ["session:set_data", { website_id: W, session_id: ODD.session_id, data: ODD.data }],
    ]);
  },

  async a_changed_hook_is_not_verified() {
    const { client } = await listeningForHooks("people:profile:created");
    const [{ body, timestamp, signature }] = await posted(() => added("Quin"), 1);
    assert.equal(client.verifyHook("secret", body, timestamp, signature), true);
    assert.equal(client.verifyHook("another", body, timestamp, signature), false);
    assert.equal(client.verifyHook("secret", { ...body, timestamp: 0 }, timestamp, signature), false);
    assert.equal(client.verifyHook("secret", body, Number(timestamp) + 1, signature), false);
  },

  async rtm_events_are_received() {
    const client = clientWith(sandbox);
    const received = [];
    const keep = (event) => client.on(event, (data) => received.push([event, data]));
    await Promise.all(["people:profile:created", "people:profile:removed", "session:set_data"].map(keep));
    const stats = async () => (await fetch(`${sandbox.url}/_sandbox/stats`)).json();
    await until(async () => (await stats()).rtm.listeners === 1);
    const id = await added("Ria");
    await crisp.updatePeopleProfile(W, id, { notepad: "not asked for" });
    await steer("/conversations", { ...ODD, data: { ...ODD.data, more: true } });
    await crisp.removePeopleProfile(W, id);
    await until(() => received.length >= 3);
    client._socket.disconnect();
    assert.deepEqual(received, [
      ["people:profile:created", { website_id: W, people_id: id, email: "ria@npm.example" }],
      ["session:set_data", { website_id: W, session_id: ODD.session_id, data: { ...ODD.data, more: true } }],
      ["people:profile:removed", { website_id: W, people_id: id }],
    ]);
  },
};

async function main() {
  for (const [check, run] of Object.entries(checks)) {
    const error = await run().then(() => null, (reason) => reason.stack || JSON.stringify(reason));
    console.log(JSON.stringify({ check, error }));
  }
}

main();
