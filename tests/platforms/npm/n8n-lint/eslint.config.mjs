// What n8n asks of community nodes. `.ts` files are the descriptions, for some rules read literals of classes alone.
import community from '@n8n/eslint-plugin-community-nodes';
import parser from '@typescript-eslint/parser';
import nodesBase from 'eslint-plugin-n8n-nodes-base';

const typed = { parser, parserOptions: { extraFileExtensions: ['.json'] } };
const classic = { plugins: { 'n8n-nodes-base': nodesBase }, languageOptions: typed };
const rules = (name) => nodesBase.configs[name].rules;
// Of n8n's own nodes, whose documentation stands at n8n; community nodes give a whole address.
const OFF = { 'n8n-nodes-base/cred-class-field-documentation-url-miscased': 'off' };
// JSON has no constants; and what is done when a workflow is switched on stands in the code.
const BESIDE = {
	'@n8n/community-nodes/node-connection-type-literal': 'off',
	'@n8n/community-nodes/webhook-lifecycle-complete': 'off',
};

export default [
	{ ignores: ['eslint.config.mjs'] },
	{ languageOptions: { sourceType: 'commonjs' } },
	{ ...community.configs.recommended, files: ['**/*.js', '**/*.ts', 'package.json'] },
	{ files: ['**/*.ts', 'package.json'], languageOptions: { ...typed, sourceType: 'module' } },
	{ files: ['nodes/**/*.ts'], rules: BESIDE },
	{ files: ['package.json'], ...classic, rules: rules('community') },
	{ files: ['credentials/*.ts'], ...classic, rules: { ...rules('credentials'), ...OFF } },
	{ files: ['nodes/**/*.ts'], ...classic, rules: rules('nodes') },
];
