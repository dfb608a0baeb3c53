// A receiver of follow-ups that checks each with the reference library of
// Standard Webhooks (npm `standardwebhooks`).
//
//     node receiver.mjs [--port 0] [--record FILE] --secret FILE …
//
// Prints "port N" first; then one line of JSON a request goes to the record, or
// without one to stdout: n, at, method, path, headers, body, id, verified, error.

import { appendFileSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { Webhook } from "standardwebhooks";

const { values } = parseArgs({
	options: {
		port: { type: "string", default: "0" },
		record: { type: "string" },
		secret: { type: "string", multiple: true, default: [] },
	},
});
const hooks = values.secret.map(
    (path) => new Webhook(readFileSync(path, "utf8").trim()));
let n = 0;

function check(body, headers)
{
	let error = "no secret was given";

	for (const hook of hooks) {
		try {
			hook.verify(body, headers);
			return { verified: true };
		} catch (e) {
			error = e.message;
		}
	}
	return { verified: false, error };
}

const server = createServer((req, res) => {
	const parts = [];

	req.on("data", (part) => parts.push(part));
	req.on("end", () => {
		const body = Buffer.concat(parts).toString("utf8");
		const line = JSON.stringify({
			n: n++,
			at: Date.now() / 1000,
			method: req.method,
			path: req.url,
			headers: req.headers,
			body,
			id: req.headers["webhook-id"],
			...check(body, req.headers),
		}) + "\n";

		if (values.record)
			appendFileSync(values.record, line);
		else
			process.stdout.write(line);
		res.writeHead(200, { "content-length": 0 }).end();
	});
});

server.listen(Number(values.port), "127.0.0.1",
    () => console.log(`port ${server.address().port}`));
