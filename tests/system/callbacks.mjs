// Signs callbacks as gateways do, and judges signatures, by their own packages:
// twilio, @vonage/sms, jsonwebtoken.
//
//     node callbacks.mjs
//
// One JSON object a line in, with `op`; the result as JSON a line out:
//
//   twilio         token url params     the signature
//   twilio-judge   token url params signature [body]   true or false
//   vonage-judge   secret params digest (of `sig` in params)   true or false
//   jwt            secret claims header  the token

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
const twilio = require("twilio/lib/webhooks/webhooks");
const { SMS } = require("@vonage/sms");
const jwt = require("jsonwebtoken");

const sms = new SMS({ apiKey : "k", apiSecret : "s" });

const ops = {
	"twilio" : (r) =>
	    twilio.getExpectedTwilioSignature(r.token, r.url, r.params),
	"twilio-judge" : (r) => r.body !== undefined
	    ? twilio.validateRequestWithBody(
		  r.token, r.signature, r.url, r.body)
	    : twilio.validateRequest(r.token, r.signature, r.url, r.params),
	"vonage-judge" : (r) =>
	    sms.verifySignature(r.params.sig, r.params, r.secret, r.digest),
	"jwt" : (r) => jwt.sign(r.claims, r.secret,
	    { algorithm : "HS256", header : r.header }),
};

for await (const line of createInterface({ input : process.stdin })) {
	const r = JSON.parse(line);
	console.log(JSON.stringify(ops[r.op](r)));
}
