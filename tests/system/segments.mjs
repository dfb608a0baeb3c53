// Counts the segments of texts by Twilio's library (npm
// `sms-segments-calculator`).
//
//     node segments.mjs [characters]
//
// A JSON string a line in, "ENCODING SEGMENTS UNITS" a line out.
//
// Smart encoding is off: it exchanges letters, and only Twilio does that. By
// itself the library never divides what a reader takes for one character: a
// flag, a letter with its accent. Neither GSM 03.38 nor UTF-16 knows of that;
// with `characters` it is told to divide everything but surrogate pairs.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const NAME = "sms-segments-calculator";
const here = createRequire(import.meta.url);
const there = createRequire(here.resolve(NAME));

if (process.argv[2] === "characters") {
	there("grapheme-splitter");
	there.cache[there.resolve("grapheme-splitter")].exports = class {
		splitGraphemes(text) {
			return [...text];
		}
	};
}

const { SegmentedMessage } = here(NAME);

for await (const line of createInterface({ input: process.stdin })) {
	const m = new SegmentedMessage(JSON.parse(line), "auto", false);
	const bits = m.encodingName === "GSM-7" ? 7 : 16;
	console.log(m.encodingName, m.segmentsCount, m.messageSize / bits);
}
