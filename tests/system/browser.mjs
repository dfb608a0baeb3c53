// Drives a browser for test_dashboard.py: puppeteer-core and axe-core.
//
//     node browser.mjs PATH-OF-CHROMIUM
//
// One JSON object a line in, {"do":…}; one line out: {"ok":…} or {"error":…}.
// One browser and one page at a time; `open` makes a new one.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const require = createRequire(import.meta.url);
const axe = require("axe-core");

const browser = await puppeteer.launch({
	executablePath: process.argv[2],
	headless: true,
	args: [
		"--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--no-first-run", "--hide-scrollbars",
		"--force-color-profile=srgb",
		// nothing but this machine
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
	],
});
let page = null;
let problems = [];

// What the page itself may not do, told by the browser.
function watch(p)
{
	p.on("console", (m) => {
		if (m.type() === "error" || m.type() === "warn")
			problems.push(`console: ${m.text()}`);
	});
	p.on("pageerror", (e) => problems.push(`script: ${e.message}`));
	p.on("request", (r) => {
		const host = new URL(r.url()).hostname;

		if (host !== "127.0.0.1" && !r.url().startsWith("data:"))
			problems.push(`asks ${r.url()}`);
	});
}

const verbs = {
	// url, width, height, scheme ("light" "dark"), script (default true),
	// lang: Accept-Language
	async open(c) {
		if (page)
			await page.close();
		problems = [];
		page = await browser.newPage();
		watch(page);
		await page.setViewport({
			width: c.width ?? 1440, height: c.height ?? 900,
			isMobile: (c.width ?? 1440) < 500,
		});
		await page.emulateMediaFeatures([
			{ name: "prefers-color-scheme", value: c.scheme ?? "light" },
			{ name: "prefers-reduced-motion", value: "reduce" },
		]);
		if (c.lang)
			await page.setExtraHTTPHeaders({ "Accept-Language": c.lang });
		await page.setJavaScriptEnabled(c.script ?? true);
		await page.evaluateOnNewDocument(() => {
			addEventListener("securitypolicyviolation", (e) =>
			    console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`));
		});
		const r = await page.goto(c.url, { waitUntil: "load" });

		return { status: r.status(), headers: r.headers() };
	},
	async axe() {
		await page.evaluate(axe.source);
		const found = await page.evaluate(() => window.axe.run(document, {
			resultTypes: ["violations"],
		}));

		return found.violations.map((v) => ({
			id: v.id,
			nodes: v.nodes.map((n) => `${n.target}: ${n.failureSummary}`),
		}));
	},
	async shot(c) {
		await page.screenshot({ path: c.path, fullPage: c.full ?? true });
		return null;
	},
	// an expression; what it gives must be JSON
	eval: (c) => page.evaluate(c.code),
	async key(c) {
		for (let i = 0; i < (c.times ?? 1); i++)
			await page.keyboard.press(c.key);
		return null;
	},
	async type(c) {
		await page.keyboard.type(c.text);
		return null;
	},
	// press and wait for the page that comes
	async go(c) {
		const [r] = await Promise.all([
			page.waitForNavigation({ waitUntil: "load" }),
			page.keyboard.press(c.key),
		]);

		return { status: r.status(), url: r.url() };
	},
	// as when another tab is in front
	async hide(c) {
		await page.evaluate((hidden) => {
			Object.defineProperty(document, "hidden",
			    { value: hidden, configurable: true });
			document.dispatchEvent(new Event("visibilitychange"));
		}, c.hidden);
		return null;
	},
	content: () => page.content(),
	problems: () => problems,
};

console.log(JSON.stringify({ ok: await browser.version() }));
for await (const line of createInterface({ input: process.stdin })) {
	const c = JSON.parse(line);

	try {
		console.log(JSON.stringify({ ok: await verbs[c.do](c) ?? null }));
	} catch (e) {
		console.log(JSON.stringify({ error: String(e.stack ?? e) }));
	}
}
await browser.close();
