const { createHmac, timingSafeEqual } = require('crypto');
const description = require('./CrispConnectorTrigger.json');

// Seconds that a delivery may be old, or early.
const TOLERANCE = 300;

async function call(context, method, path, more = {}) {
	const { baseUrl } = await context.getCredentials('crispConnectorApi');
	const url = baseUrl.replace(/\/+$/, '') + path;
	const request = { method, url, json: true, ...more };
	return await context.helpers.httpRequestWithAuthentication.call(context, 'crispConnectorApi', request);
}

function choices(qs) {
	return async function () {
		return await call(this, 'GET', '/v1/fields', { qs: { format: 'n8n', ...qs } });
	};
}

// Once in an n8n that was restarted, the subscription is known by its id and its secret.
function remembered(context) {
	return context.getWorkflowStaticData('node');
}

// Standard Webhooks: HMAC-SHA256 of `id.timestamp.body`; for a day after a change of the secret there are two.
function isSigned(secret, headers, body) {
	const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signatures = '' } = headers;
	if (!secret || !/^\d+$/.test(at ?? '') || Math.abs(Date.now() / 1000 - Number(at)) > TOLERANCE) return false;
	const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
	const signature = createHmac('sha256', key).update(`${id}.${at}.`).update(body).digest('base64');
	const wanted = Buffer.from(`v1,${signature}`);
	const given = signatures.split(' ').map((each) => Buffer.from(each));
	return given.some((each) => each.length === wanted.length && timingSafeEqual(each, wanted));
}

function wanted(context) {
	return {
		event: context.getNodeParameter('event'),
		target_url: context.getNodeWebhookUrl('default'),
		filter: context.getNodeParameter('filter', {}),
		include_own: context.getNodeParameter('include_own', false),
	};
}

// As it was asked for then: the service keeps conditions in a form of its own.
async function checkExists() {
	const { id, secret, asked } = remembered(this);
	if (!id || !secret || asked !== JSON.stringify(wanted(this))) return false;
	try {
		return !(await call(this, 'GET', `/v1/subscriptions/${id}`)).disabled_at;
	} catch {
		return false;
	}
}

// One from before is of another event or filter: n8n was ended, or switched the workflow off, without saying so.
async function create() {
	await remove.call(this);
	const body = wanted(this);
	const { id, secret } = await call(this, 'POST', '/v1/subscriptions', { body });
	Object.assign(remembered(this), { id, secret, asked: JSON.stringify(body) });
	return true;
}

async function remove() {
	const { id } = remembered(this);
	try {
		if (id) await call(this, 'DELETE', `/v1/subscriptions/${id}`);
	} catch (error) {
		// Gone already is as good.
		if (String(error.httpCode ?? error.response?.status) !== '404') return false;
	}
	delete remembered(this).id;
	delete remembered(this).secret;
	delete remembered(this).asked;
	return true;
}

class CrispConnectorTrigger {
	constructor() {
		this.description = description;
		this.methods = {
			loadOptions: {
				segment: choices({ choices: 'segments' }),
				data_key: choices({ choices: 'data' }),
				changed: choices({ choices: 'changed' }),
			},
		};
		this.webhookMethods = { default: { checkExists, create, delete: remove } };
	}

	async webhook() {
		const request = this.getRequestObject();
		if (!isSigned(remembered(this).secret, this.getHeaderData(), request.rawBody)) {
			this.getResponseObject().status(401).json({ message: 'This was not signed by the connector' });
			return { noWebhookResponse: true };
		}
		return { workflowData: [this.helpers.returnJsonArray(this.getBodyData())] };
	}
}

module.exports = { CrispConnectorTrigger };
