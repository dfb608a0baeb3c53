// Holds answers against docs/openapi.yaml, which is held against OpenAPI first.
//
//     node openapi.mjs FILE
//
// First line out: the documented ["METHOD PATH STATUS", …], or what is wrong
// with the file. Then for each line in, {"method","path","status","headers"
// (small letters),"body"}, a line out: "ok", or what is wrong.

import { createInterface } from "node:readline";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv from "ajv/dist/2020.js";

const METHODS = ["get", "post", "options", "put", "delete"];
const validator = new Validator();
const judged = await validator.validate(process.argv[2]);

if (!judged.valid) {
	console.log(JSON.stringify(judged.errors, null, 1));
	process.exit(1);
}
const spec = validator.resolveRefs();
const ajv = new Ajv({ strict: false, validateFormats: false });
const documented = Object.entries(spec.paths).flatMap(([path, item]) =>
    METHODS.filter((m) => m in item).flatMap((m) =>
	Object.keys(item[m].responses).filter((s) => s !== "default").map(
	    (s) => `${m.toUpperCase()} ${path} ${s}`)));

console.log(JSON.stringify(documented));

function wrong(r)
{
	const responses = spec.paths[r.path][r.method.toLowerCase()].responses;
	const answer = responses[r.status] ?? responses.default;
	const [type] = (r.headers["content-type"] ?? "").split(";");

	for (const [name, header] of Object.entries(answer.headers ?? {})) {
		const value = r.headers[name.toLowerCase()];

		if (value === undefined && header.required)
			return `no header ${name}`;
		if (value !== undefined && !ajv.validate(header.schema, value))
			return `${name}: ${ajv.errorsText()}`;
	}
	if (!answer.content)
		return r.body === "" ? null : "a body where none is";
	const media = answer.content[type] ?? answer.content["*/*"];

	if (!media)
		return `another type: ${type}`;
	const body = /json$/.test(type) ? JSON.parse(r.body) : r.body;

	if (media.schema.type !== "string" && !ajv.validate(media.schema, body))
		return ajv.errorsText();
	return null;
}

for await (const line of createInterface({ input: process.stdin }))
	console.log(wrong(JSON.parse(line)) ?? "ok");
