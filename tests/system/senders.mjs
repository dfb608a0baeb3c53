// Sends events as the senders' own libraries do: cloudevents (HTTP.binary and
// HTTP.structured) and standardwebhooks.
//
//     node senders.mjs
//
// One JSON object a line in: mode ("binary", "structured" or "webhook"), url,
// token or secret; of CloudEvents event (attributes and data, data_base64 for
// bytes), of webhooks id and body. A line out: {"status":…,"body":…}.

import { createInterface } from "node:readline";
import { CloudEvent, HTTP } from "cloudevents";
import { Webhook } from "standardwebhooks";

function message(r)
{
	const { data_base64, ...event } = r.event ?? {};

	if (r.mode === "webhook") {
		const now = new Date();
		const signature = new Webhook(r.secret).sign(r.id, now, r.body);

		return { body: r.body, headers: {
			"content-type": "application/json",
			"webhook-id": r.id,
			"webhook-timestamp": String(Math.floor(now / 1000)),
			"webhook-signature": signature,
		} };
	}
	if (data_base64)
		event.data = Uint8Array.from(Buffer.from(data_base64, "base64"));
	return HTTP[r.mode](new CloudEvent(event));
}

for await (const line of createInterface({ input: process.stdin })) {
	const r = JSON.parse(line);
	const { headers, body } = message(r);

	if (r.token)
		headers.authorization = `Bearer ${r.token}`;
	const answer = await fetch(r.url, { method: "POST", headers, body });

	console.log(JSON.stringify(
	    { status: answer.status, body: await answer.json() }));
}
