// What @a2a-js/sdk signs of each card on standard input (one a line, as a JSON string), a line
// each: the bytes in base64, or "- " and why it signs none.
// Usage: node javascript.mjs DIRECTORY-OF-node_modules
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const { canonicalizeAgentCard } = await import(
	pathToFileURL(`${process.argv[2]}/node_modules/@a2a-js/sdk/dist/index.js`));
for await (const line of createInterface({ input: process.stdin })) {
	try {
		console.log(Buffer.from(canonicalizeAgentCard(JSON.parse(JSON.parse(line)))).toString('base64'));
	} catch (wrong) {
		console.log(`- ${String(wrong).slice(0, 200).replace(/\s+/g, ' ')}`);
	}
}
