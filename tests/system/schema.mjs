// schema.mjs FILE - reads JSON lines and judges each by a schema of
// docs/schema, closed: a member that the schema does not tell of is wrong.
import { readFileSync } from "node:fs";
import Ajv from "ajv/dist/2020.js";
import formats from "ajv-formats";

const close = (s) => {
	if (s === null || typeof s !== "object")
		return;
	if (s.properties)
		s.additionalProperties = false;
	Object.values(s).forEach(close);
};
const schema = JSON.parse(readFileSync(process.argv[2]));
const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true });
formats(ajv);
ajv.validateSchema(schema, true);
close(schema);
const judge = ajv.compile(schema);
for (const line of readFileSync(0, "utf8").split("\n")) {
	if (line === "" || judge(JSON.parse(line)))
		continue;
	console.log(line, ajv.errorsText(judge.errors));
	process.exitCode = 1;
}
