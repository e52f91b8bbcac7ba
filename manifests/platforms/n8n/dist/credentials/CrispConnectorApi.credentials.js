const description = require('./CrispConnectorApi.json');

class CrispConnectorApi {
	constructor() {
		Object.assign(this, description);
	}
}

module.exports = { CrispConnectorApi };
