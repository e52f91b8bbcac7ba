// Our trigger as n8n calls it when a workflow was changed while nobody could say so to the connector.
const [, , file, baseUrl, apiKey] = process.argv;
const { CrispConnectorTrigger } = require(file);

async function asked(_, { method, url, body }) {
	const headers = { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' };
	const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
	if (!answer.ok) throw Object.assign(new Error(await answer.text()), { httpCode: answer.status });
	return await answer.json();
}

const form = { event: 'segments_changed', filter: { segment: ['vip', 'beta'] }, include_own: true };
const kept = {};
const context = {
	getCredentials: async () => ({ baseUrl }),
	getNodeParameter: (name) => form[name],
	getNodeWebhookUrl: () => 'http://127.0.0.1:9/webhook/trigger',
	getWorkflowStaticData: () => kept,
	helpers: { httpRequestWithAuthentication: asked },
};
const methods = new CrispConnectorTrigger().webhookMethods.default;
const run = async (name) => await methods[name].call(context);
const mine = async () =>
	(await asked('', { method: 'GET', url: `${baseUrl}/v1/subscriptions` })).filter((each) => each.event === form.event);

(async () => {
	const seen = [await run('checkExists'), await run('create'), await run('checkExists')];
	form.filter = { segment: ['gold'] };
	seen.push(await run('checkExists'), await run('create'), (await mine()).map((each) => each.filter.segment));
	seen.push(await run('delete'), await run('delete'), await mine());
	console.log(JSON.stringify(seen));
})();
