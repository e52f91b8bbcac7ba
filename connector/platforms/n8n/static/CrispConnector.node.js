const { NodeApiError } = require('n8n-workflow');
const description = require('./CrispConnector.json');

// The service says in one sentence what is wrong and what helps; n8n's own words for a status would hide it.
async function said(items, response) {
	if (response.statusCode < 400) return items;
	const problem = typeof response.body === 'object' && response.body !== null ? response.body : {};
	throw new NodeApiError(this.getNode(), problem, {
		message: problem.message ?? `The connector answered ${response.statusCode}`,
		description: problem.code,
		httpCode: String(response.statusCode),
	});
}

function heard(operation) {
	const request = { ...operation.routing.request, ignoreHttpStatusErrors: true };
	return { ...operation, routing: { request, output: { postReceive: [said] } } };
}

class CrispConnector {
	constructor() {
		const properties = description.properties.map((property) =>
			property.name === 'operation' ? { ...property, options: property.options.map(heard) } : property,
		);
		this.description = { ...description, properties };
	}
}

module.exports = { CrispConnector };
