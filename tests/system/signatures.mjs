// Says how the providers' own libraries would have signed what a gateway got:
// @alicloud/openapi-util, tencentcloud-sdk-nodejs-common, @smithy/signature-v4,
// standardwebhooks.
//
//     node signatures.mjs
//
// One JSON object a line in: scheme, method, target (path and query), headers
// (small letters), body, id, secret, and service and region where the scheme
// has them. A line out: the value of Authorization; of standard-webhooks "ok",
// or what was wrong.

import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { Webhook } from "standardwebhooks";

const require = createRequire(import.meta.url);
const Aliyun = require("@alicloud/openapi-util").default;
const Tencent =
    require("tencentcloud-sdk-nodejs-common/tencentcloud/common/sign").default;

function pick(headers, names)
{
	return Object.fromEntries(
	    names.filter((n) => n in headers).map((n) => [n, headers[n]]));
}

// "20261122T022946Z" as a Date
function amzDate(s)
{
	return new Date(s.replace(
	    /^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

const schemes = {
	"aliyun-acs3"(r) {
		const url = new URL(r.target, "http://x");
		const hash = createHash("sha256").update(r.body).digest("hex");

		return Aliyun.getAuthorization({
			method: r.method,
			pathname: url.pathname,
			query: Object.fromEntries(url.searchParams),
			headers: r.headers,
		}, "ACS3-HMAC-SHA256", hash, r.id, r.secret);
	},
	"tencent-tc3"(r) {
		return Tencent.sign3({
			method: r.method,
			url: `http://${r.headers.host}${r.target}`,
			payload: Buffer.from(r.body),
			timestamp: Number(r.headers["x-tc-timestamp"]),
			service: r.service,
			secretId: r.id,
			secretKey: r.secret,
			headers: { "Content-Type": r.headers["content-type"] },
		});
	},
	async "aws-sigv4"(r) {
		const signer = new SignatureV4({
			service: r.service,
			region: r.region,
			credentials:
			    { accessKeyId: r.id, secretAccessKey: r.secret },
			sha256: Sha256,
			applyChecksum: false,
		});
		const signed = await signer.sign({
			method: r.method,
			protocol: "http:",
			hostname: r.headers.host.split(":")[0],
			path: r.target,
			query: {},
			headers: pick(r.headers, ["host", "content-type"]),
			body: r.body,
		}, { signingDate: amzDate(r.headers["x-amz-date"]) });

		return signed.headers.authorization;
	},
	"standard-webhooks"(r) {
		new Webhook(r.secret).verify(r.body, r.headers);
		return "ok";
	},
};

for await (const line of createInterface({ input: process.stdin })) {
	const r = JSON.parse(line);

	try {
		console.log(await schemes[r.scheme](r));
	} catch (e) {
		console.log(`${e.name}: ${e.message}`);
	}
}
