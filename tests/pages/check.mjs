/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.mjs - uses pages in chromium as people do, and looks at what the pages then show: check.mjs PAGES.json [SHOTS].
 * It must never let a page reach anything but its own file.
 *
 * Numbers are those of the programs in tests/pages/programs, which their comments count.
 */
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import assert from "node:assert/strict";

const { chromium } = createRequire(import.meta.url)("playwright-core");
const [, , list, shots] = process.argv;
const PATIENCE = 60000; /* ms: a loaded machine is no fault of the page */
const pages = JSON.parse(readFileSync(list, "utf8")); /* by name: the page's file, and the totals that --json has of its dumps */
const files = Object.fromEntries(Object.entries(pages).map(([name, { page }]) => [name, page]));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"], timeout: PATIENCE });
const OPENS_WITHIN = 2000; /* ms of processor time */
let failed = 0, passed = 0;

/* Opens a page. `page.faults` has what it must not do: messages, requests, dialogs. */
async function open(name, { fragment = "", ...options } = {}) {
	const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, acceptDownloads: true, ...options });
	context.setDefaultTimeout(PATIENCE);
	await context.grantPermissions(["clipboard-read", "clipboard-write"]);
	const page = await context.newPage(), address = pathToFileURL(files[name]).href;
	page.faults = [];
	page.on("console", message => page.faults.push(`console: ${message.text()}`));
	page.on("pageerror", fault => page.faults.push(`error: ${fault.stack}`));
	page.on("dialog", dialog => { page.faults.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
	page.on("request", request => /^(data|blob):/.test(request.url()) || request.url().split("#")[0] === address || page.faults.push(`request: ${request.url()}`));
	await page.goto(address + fragment);
	if (options.javaScriptEnabled !== false)
		await page.waitForSelector("html[data-ready]");
	return page;
}

async function check(name, test) {
	const begin = Date.now();
	let verdict = "ok", reason = "", page;
	try {
		page = await test();
		if (page) {
			assert.deepEqual(page.faults, []);
			await page.context().close();
		}
		passed++;
	} catch (fault) {
		[verdict, reason] = ["FAIL", String(fault.stack)];
		failed++;
	}
	console.log(`${verdict.padEnd(4)} ${name} (${((Date.now() - begin) / 1000).toFixed(3)} s)`);
	if (reason)
		console.log(`     ${reason.trimEnd().replaceAll("\n", "\n     ")}`);
}

const text = (page, selector) => page.locator(selector).first().innerText();
const figure = async (page, label) => (await page.locator(".card", { hasText: label }).first().locator(".figure").innerText()).trim();
const frames = page => page.locator(".frame").allInnerTexts();
const rows = page => page.locator("#tables tbody tr").allInnerTexts();
const hash = page => page.evaluate(() => location.hash);
/* Seconds of processor time that the page has taken since it was loaded. */
async function taskTime(session) {
	const { metrics } = await session.send("Performance.getMetrics");
	return metrics.find(metric => metric.name === "TaskDuration").value;
}

const grouped = digits => digits.replace(/\B(?=(\d{3})+$)/g, ",");
const pause = ms => new Promise(done => setTimeout(done, ms));

/* Waits until `probe` returns what is expected: a browser writes its clipboard and goes back when it has time. */
async function eventually(probe, expected, what) {
	const end = Date.now() + PATIENCE;
	for (let got; ; await pause(20)) {
		got = await probe();
		if (got === expected || Date.now() > end)
			return assert.deepEqual(got, expected, what);
	}
}

/* Does something that is to copy a text. What was in the clipboard before, which all pages share, is taken out of it first. */
async function copies(page, act, expected) {
	const read = () => page.evaluate(() => navigator.clipboard.readText());
	await page.evaluate(() => navigator.clipboard.writeText("nothing yet"));
	await eventually(read, "nothing yet");
	await act();
	await eventually(read, expected, "what was copied");
}

/* What holds of every page. */
for (const name of Object.keys(files)) {
	await check(`${name}.opens`, async () => {
		const page = await open(name);
		assert.equal(await page.locator("#static").isVisible(), false);
		assert.equal(await page.evaluate(() => document.scripts.length), 2, "scripts: the data and ours");
		assert.equal(await page.evaluate(() => typeof globalThis.hacked), "undefined");
		assert.equal(await page.locator("img, iframe, object, embed, link:not([rel=icon]), [onerror], [onload], [style*=url]").count(), 0);
		assert.equal((await text(page, "h1")).trim(), (await page.title()).replace(/ - flopshim$/, "").trim());
		/* the figures are those of --json, to the last digit */
		const { flops, calls } = pages[name].totals, hasWork = flops !== "0" || calls !== "0";
		const copied = label => page.locator(".card", { has: page.locator(".label", { hasText: new RegExp(`^${label}$`) }) }).locator(".figure").getAttribute("title");
		if (name !== "made-up") /* JSON.parse rounds a total beyond 2^53 */
			assert.equal(await copied("FLOPs"), `Copy ${flops}`);
		assert.equal(await copied("calls"), `Copy ${calls}`);
		assert.equal(await page.locator(".frame").count() > 0, hasWork, "frames of the flame graph");
		assert.ok(!hasWork || await page.locator("#tables tbody tr").count() > 0, "no row of a table");
		const bare = readFileSync(files[name], "utf8").replace(/<div id="static">.*?<div id="app"/s, "").replace(/id="flopshim-data">.*?<\/script>/s, "");
		assert.ok(name === "made-up" || bare.length < 100000, `${bare.length} bytes beside the data`);
		/* what a screen reader says of everything that can be pressed */
		const nameless = await page.evaluate(() => [...document.querySelectorAll("button, input, a, [role=treeitem], [role=tab], [role=button]")]
			.filter(element => !(element.textContent.trim() || element.getAttribute("aria-label") || element.labels?.length)).map(element => element.outerHTML));
		assert.deepEqual(nameless, []);
		assert.equal(await page.locator("#app h1").count(), 1);
		assert.equal(await page.locator("#tables table caption").count(), await page.locator("[role=tab]").count() ? 1 : 0);
		/* each key changes what the page shows, which its address says, or its colours */
		const shown = async () => await hash(page) + await page.evaluate(() => document.documentElement.dataset.theme);
		for (const key of ["w", "w", "b", "i", "f", "d", "b", "i"]) {
			const before = await shown();
			await page.keyboard.press(key);
			assert.notEqual(await shown(), before, `nothing changes with ${key}`);
		}
		for (const tab of await page.locator("[role=tab]").all()) {
			await tab.click();
			assert.equal(await tab.getAttribute("aria-selected"), "true");
			assert.equal(await page.locator("[role=tab][aria-selected=true]").count(), 1);
			assert.equal(await page.locator("#tables table caption").innerText(), await tab.evaluate(element => element.firstChild.textContent));
		}
		for (const key of ["shapes", "routines", "products", "others"]) {
			const choice = page.locator(`.pair button[data-key=${key}]`).first();
			await choice.click();
			assert.equal(await choice.getAttribute("aria-pressed"), "true", key);
		}
		return page;
	});
	await check(`${name}.without_script`, async () => {
		const page = await open(name, { javaScriptEnabled: false });
		assert.equal(await page.locator("#app").isVisible(), false);
		const { flops, calls } = pages[name].totals, shown = await text(page, "#static");
		if (name === "made-up") /* whose static part encode.py has not made */
			return page;
		assert.match(shown, calls === "0" ? /\bcalls?\b/ : new RegExp(`\\b${grouped(calls)} calls?\\b`), "its calls");
		assert.ok(flops.length > 15 || shown.includes(`${grouped(flops)} FLOPs`), `not ${grouped(flops)} FLOPs: ${shown.slice(0, 500)}`);
		assert.equal(await page.locator("#static table").count() > 0, true, "tables");
		const broken = await page.locator("#static table").evaluateAll(tables => tables.filter(table => [...table.rows].some(row => row.cells.length !== table.rows[0].cells.length)).length);
		assert.equal(broken, 0, "tables with rows of other lengths");
		return page;
	});
	if (shots)
		for (const scheme of ["light", "dark"])
			for (const width of [1360, 390]) {
				const page = await open(name, { colorScheme: scheme, viewport: { width, height: 900 } });
				await page.screenshot({ path: `${shots}/${name}-${scheme}-${width}.png`, fullPage: true });
				await page.context().close();
			}
}

if (files.numpy) {
	await check("numpy.totals", async () => {
		const page = await open("numpy");
		await page.locator(".choice button[data-key=flops]").first().click();
		await page.locator("#tables td", { hasText: /^dgemm$/ }).click();
		assert.equal(await figure(page, "FLOPs"), "160.0 M");
		assert.equal(await figure(page, "calls"), "11");
		assert.match(await hash(page), /routine=dgemm/);
		return page;
	});
	await check("numpy.code", async () => {
		const page = await open("numpy"), code = async () => (await page.locator("#code tbody tr").allInnerTexts()).map(row => row.replace(/\s+/g, " "));
		const own = rows => rows.map(row => [/^(\w+)/.exec(row)?.[1], / % ~?([\d.]+ ?[kMG]?) /.exec(row)?.[1]]);
		const all = own(await code());
		assert.ok(all.some(([name, flops]) => name === "large" && flops === "144.0 M") && all.some(([name, flops]) => name === "small" && flops === "16.00 M"), JSON.stringify(all));
		await page.evaluate(() => { location.hash = "#routine=dgemm"; });
		await page.waitForFunction(() => !document.querySelector("#code").innerText.includes("solve"));
		const selected = own(await code()).filter(([, flops]) => flops !== "0");
		assert.deepEqual(selected, [["large", "144.0 M"], ["small", "16.00 M"]], "own work of the selection, once");
		return page;
	});
	await check("numpy.fragments", async () => {
		const page = await open("numpy", { fragment: "#weight=bogus&dir=bogus&tab=bogus&sort=bogus&frame=99999&shape=99999&ns=x" });
		assert.equal(await page.locator("#static").isVisible(), false);
		assert.equal(await page.locator("#app h1").count(), 1);
		return page;
	});
	await check("numpy.units", async () => {
		const page = await open("numpy", { fragment: "#tab=shapes" }), filter = page.locator("#tables input");
		for (const [text, count] of [["flops>100M", 1], ["flops>1.5e+7", 2], ["M=300", 1], ["share>50%", 1], ["flops>1T", 0]]) {
			await filter.fill(text);
			await page.waitForFunction(wanted => document.querySelectorAll("#tables tbody tr.row, #tables tbody tr:has(td.flops)").length === wanted, count);
		}
		await page.evaluate(() => { location.hash = "#tab=code&filter=flops>100M"; });
		await page.waitForFunction(() => /large/.test(document.querySelector("#tables tbody").innerText) && !/small/.test(document.querySelector("#tables tbody").innerText));
		return page;
	});
	await check("numpy.copy", async () => {
		const page = await open("numpy", { fragment: "#tab=shapes" });
		const cell = (shape, flops) => page.locator("#tables tr", { hasText: shape }).locator("td", { hasText: flops });
		await copies(page, () => cell("m=300 n=400 k=200", "144.0 M").click(), "144000000");
		await cell("m=100 n=100 k=100", "16.00 M").focus();
		await copies(page, () => page.keyboard.press("c"), "16000000");
		return page;
	});
	await check("numpy.search", async () => {
		const page = await open("numpy", { fragment: "#routine=dgemm" });
		await page.keyboard.press("/");
		await page.keyboard.type("^large");
		assert.equal(await text(page, "#found"), "1 frame, 90.0 %", "144 of 160 million");
		assert.match((await page.locator(".frame.match").allInnerTexts()).join(), /^large/);
		await page.keyboard.press("Enter");
		assert.match(await page.evaluate(() => document.activeElement.textContent), /^large/);
		await page.fill("#search", "small|large");
		assert.equal(await text(page, "#found"), "2 frames, 100.0 %");
		await page.fill("#search", "(");
		assert.match(await text(page, "#found"), /^0 frames/, "no regular expression: a text");
		assert.match(await hash(page), /q=%28/);
		return page;
	});
	await check("numpy.zoom", async () => {
		const page = await open("numpy", { fragment: "#tab=routines" }), all = (await frames(page)).length;
		await page.locator(".frame", { hasText: "large products.py" }).click();
		assert.ok((await frames(page)).length < all);
		assert.equal(await figure(page, "FLOPs"), "144.0 M", "what is below the frame is selected everywhere");
		const box = await page.locator(".frame", { hasText: "large products.py" }).boundingBox(), whole = await page.locator(".flame").boundingBox();
		assert.ok(box.width > 0.97 * whole.width, "the frame is as wide as the graph");
		assert.deepEqual((await rows(page)).map(row => row.split(/\s/)[0]), ["dgemm"], "rows that are left");
		await page.keyboard.press("Escape");
		assert.equal((await frames(page)).length, all);
		assert.equal(await hash(page), "#tab=routines");
		return page;
	});
	await check("numpy.keyboard", async () => {
		const page = await open("numpy", { fragment: "#tab=routines" });
		await page.locator(".frame[tabindex='0']").focus();
		await page.keyboard.press("ArrowDown");
		await page.keyboard.press("ArrowDown");
		assert.match(await page.evaluate(() => document.activeElement.textContent), /main\s+products\.py/);
		assert.equal(await page.locator("#tip").isVisible(), true, "figures on focus");
		await page.keyboard.press("ArrowDown");
		await page.keyboard.press("ArrowRight");
		assert.match(await page.evaluate(() => document.activeElement.textContent), /small\s+products\.py/, "the widest first");
		await page.keyboard.press("Enter");
		assert.match(await hash(page), /frame=\d+/);
		assert.equal(await figure(page, "FLOPs"), "16.00 M");
		await page.keyboard.press("0");
		await page.locator(".dot[tabindex='0']").first().focus();
		await page.keyboard.press("ArrowRight");
		await page.keyboard.press("Enter");
		assert.match(await hash(page), /shape=\d+/);
		await page.keyboard.press("Escape");
		await page.locator("[role=tab][aria-selected=true]").focus();
		await page.keyboard.press("ArrowRight");
		assert.match(await page.evaluate(() => document.activeElement.textContent), /Largest shapes/);
		await page.keyboard.press("ArrowLeft");
		assert.match(await page.evaluate(() => document.activeElement.textContent), /By routine/);
		await page.locator("#tables td[tabindex='0']").focus();
		await page.keyboard.press("ArrowDown");
		await page.keyboard.press("Enter");
		assert.match(await hash(page), /routine=/);
		return page;
	});
	await check("numpy.invert", async () => {
		const page = await open("numpy", { fragment: "#routine=dgemm" });
		await page.keyboard.press("i");
		const [all, first] = await frames(page);
		assert.match(first, /dgemm/, "the routine comes first");
		assert.match(all, /160\.0 M/);
		await page.keyboard.press("f");
		const top = await page.locator(".frame").evaluateAll(elements => elements.map(element => parseFloat(element.style.top)));
		assert.equal(Math.max(...top), top[0], "a flame stands on its root");
		return page;
	});
	await check("numpy.back", async () => {
		const page = await open("numpy", { fragment: "#tab=shapes" });
		await page.locator("#tables td", { hasText: "m=300 n=400 k=200" }).click();
		assert.equal(await figure(page, "FLOPs"), "144.0 M");
		const chips = () => page.locator(".chip").count(), flops = () => figure(page, "FLOPs");
		const selected = await hash(page);
		assert.match(selected, /shape=\d+/);
		await page.goBack();
		await eventually(() => hash(page), "#tab=shapes");
		await eventually(chips, 0, "what was selected is not any more");
		assert.notEqual(await flops(), "144.0 M");
		await page.goForward();
		await eventually(flops, "144.0 M");
		await page.locator(".chip").click();
		await eventually(chips, 0, "the selection was taken back");
		const other = await page.context().newPage();
		await page.goBack();
		await eventually(() => hash(page), selected);
		await eventually(flops, "144.0 M");
		await other.goto(page.url());
		await other.waitForSelector("html[data-ready]");
		assert.equal(await figure(other, "FLOPs"), "144.0 M", "a copied address shows the same");
		return page;
	});
	await check("numpy.sort", async () => {
		const page = await open("numpy", { fragment: "#tab=shapes" }), calls = async () => (await page.locator("#tables tbody tr td.count").allInnerTexts()).map(value => Number(value.replaceAll(",", "")));
		await page.locator("th button[data-key=calls]").click();
		assert.equal(await page.locator("th[aria-sort=descending]").count(), 1);
		assert.deepEqual(await calls(), [...await calls()].sort((a, b) => b - a));
		await page.locator("th button[data-key=calls]").click();
		assert.deepEqual(await calls(), [...await calls()].sort((a, b) => a - b));
		assert.match(await hash(page), /sort=calls%3Aasc/);
		await page.locator("th button[data-key=calls]").click();
		assert.equal(await page.locator("th[aria-sort=none]").count(), await page.locator("#tables th").count());
		return page;
	});
	await check("numpy.filter", async () => {
		const page = await open("numpy", { fragment: "#tab=shapes" }), filter = page.locator("#tables input");
		await filter.fill("dgemm n>=400");
		assert.equal((await rows(page)).length, 1);
		assert.match((await rows(page))[0], /m=300 n=400 k=200/);
		await filter.fill("nothing like that");
		assert.match((await rows(page))[0], /No row is left/);
		await filter.fill("");
		assert.ok((await rows(page)).length > 2);
		return page;
	});
	await check("numpy.csv", async () => {
		const page = await open("numpy", { fragment: "#tab=shapes" });
		await page.locator("#tables input").fill("dgemm");
		const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#csv").click()]);
		assert.equal(download.suggestedFilename(), "flopshim-shapes.csv");
		const [head, ...lines] = readFileSync(await download.path(), "utf8").trimEnd().split("\n").map(line => line.split(","));
		assert.equal(lines.length, 2);
		assert.deepEqual(lines.map(line => line[head.indexOf("flops")]), ["144000000", "16000000"]);
		return page;
	});
	await check("numpy.dark", async () => {
		const page = await open("numpy"), background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
		const light = await background();
		await page.locator("#theme").click();
		assert.notEqual(await background(), light);
		const dark = await background();
		await page.reload();
		await page.waitForSelector("html[data-ready]");
		assert.equal(await background(), dark, "it is remembered");
		const other = await open("numpy", { colorScheme: "dark" });
		assert.equal(await other.evaluate(() => getComputedStyle(document.body).backgroundColor), dark, "it is the system's");
		await other.context().close();
		return page;
	});
	await check("numpy.print", async () => {
		const page = await open("numpy", { colorScheme: "dark" });
		await page.emulateMedia({ media: "print" });
		assert.equal(await page.locator("#bar").isVisible(), false);
		assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
		assert.equal(await page.locator("#tables table").isVisible(), true);
		assert.ok((await page.pdf()).length > 10000);
		return page;
	});
	await check("numpy.hover", async () => {
		const page = await open("numpy");
		await page.locator(".frame", { hasText: "large products.py" }).hover();
		assert.match(await text(page, "#tip"), /144,000,000/);
		await page.locator("#map .dot").first().hover();
		assert.match(await text(page, "#tip"), /144,000,000/);
		return page;
	});
	await check("numpy.namespaces", async () => {
		const page = await open("numpy");
		await page.locator("#flame .choice button[data-key=namespace]").click();
		assert.match((await frames(page))[1], /dgemm/);
		return page;
	});
	await check("numpy.narrow", async () => {
		const page = await open("numpy", { viewport: { width: 360, height: 740 } });
		assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= 360), true, "a phone need not scroll sideways");
		return page;
	});
}

if (files.rows)
	await check("rows.fast", async () => {
		const page = await open("rows", { fragment: "#tab=shapes" });
		assert.match(await text(page, "#tables [role=status]"), /^100,000 rows/);
		assert.equal((await rows(page)).length, 50);
		const session = await page.context().newCDPSession(page);
		await session.send("Performance.enable", { timeDomain: "threadTicks" });
		const spent = [];
		for (let i = 0; i < 3; i++) { /* the best of three: other programs make caches slow */
			await page.reload();
			await page.waitForSelector("html[data-ready]");
			spent.push(1000 * await taskTime(session));
		}
		assert.ok(Math.min(...spent) > 10, `${spent} ms: no time was measured`);
		assert.ok(Math.min(...spent) < OPENS_WITHIN, `${spent.map(ms => ms.toFixed(0)).join(", ")} ms of processor time to open`);
		assert.ok(readFileSync(files.rows).length < 5e6);
		await page.locator(".pager button", { hasText: "Next" }).click();
		assert.match(await text(page, ".pager span"), /^51–100 of 100,000/);
		return page;
	});
if (files.ranks)
	await check("ranks.even", async () => {
		const page = await open("ranks");
		assert.match(await text(page, "#ranks .note"), /All have done the same/);
		assert.equal(await figure(page, "ranks"), "1,000");
		assert.ok(readFileSync(files.ranks).length < 2e6);
		return page;
	});
if (files.hpcc)
	await check("hpcc.ranks", async () => {
		const page = await open("hpcc");
		assert.equal(await figure(page, "ranks"), "4");
		await page.locator("#ranks svg").focus();
		await page.keyboard.press("ArrowRight");
		assert.match(await text(page, "#tip"), /rank 1/);
		return page;
	});
if (files.nothing)
	await check("nothing.said", async () => {
		const page = await open("nothing");
		assert.match(await text(page, "#totals"), /Nothing was counted/);
		return page;
	});
if (files.cut)
	await check("cut.said", async () => {
		const page = await open("cut");
		assert.match(await text(page, "#alerts h2"), /Incomplete/);
		return page;
	});
if (files.troubled)
	await check("troubled.said", async () => {
		const page = await open("troubled"), lines = (await page.locator("#alerts li").allInnerTexts()).map(line => line.replace(/\s+/g, " "));
		assert.match(await text(page, "#alerts h2"), /^Incomplete$/);
		for (const words of [/^INCOMPLETE .*what could be read/, /^LOST 5 ran, but were not recorded/, /^LOST the file could not grow/, /^unpriced 2 without a price/, /^saturated 1 /, /^uncounted 3 /, /^sites /, /^shapes /,
			/^\/opt\/libgame\.so: .*not look like a BLAS/, /^\/opt\/libother\.so: .*its calls were not seen/, /^FLOPSHIM_TIME=maybe: .*wrong/, /^\/tmp\/x\.dump cannot grow.*could not be written/])
			assert.equal(lines.filter(line => words.test(line)).length, 1, `${words} in ${lines.join("\n")}`);
		assert.equal(lines.length, 12, lines.join("\n"));
		assert.doesNotMatch(await page.locator("body").innerText(), /\x1b/, "an escape of a program's name");
		await page.locator("[role=tab]", { hasText: "Not priced" }).click();
		assert.deepEqual((await rows(page)).map(row => row.replace(/\s+/g, " ").trim()), ["dgejsv 2"]);
		return page;
	});
if (files.killed)
	await check("killed.shares", async () => {
		const page = await open("killed"), parts = async selector => (await page.locator(`${selector} tbody tr`).allInnerTexts()).map(row => row.match(/[\d.]+ %/g));
		/* 8 million FLOPs, of which 2 are in flight */
		assert.deepEqual(await parts("#code"), [["100.0 %", "100.0 %"]]);
		await page.evaluate(() => { location.hash = "#tab=code"; });
		await eventually(() => page.locator("#tables table caption").innerText(), "By your code");
		assert.deepEqual(await parts("#tables"), [["100.0 %", "100.0 %"]]);
		await page.evaluate(() => { location.hash = "#tab=code&routine=dgemm"; });
		await eventually(() => page.locator(".chip").count(), 1);
		assert.deepEqual(await parts("#code"), [["75.0 %", "75.0 %"]], "what was done of all that was begun");
		assert.deepEqual(await parts("#tables"), [["75.0 %", "75.0 %"]]);
		return page;
	});
if (files.budget)
	await check("budget.bars", async () => {
		const page = await open("budget"), budgets = await page.locator(".budgets li").allInnerTexts();
		assert.match(budgets[0].replace(/\s+/g, " "), /\(all\) 74\.00 M of 100\.0 M, 74\.0 %/);
		assert.equal(await page.locator(".budgets .exceeded").count(), 2);
		return page;
	});
if (files.hostile)
	await check("hostile.texts", async () => {
		const page = await open("hostile");
		assert.match(await text(page, ".flame"), /<\/script><script>hacked=1<\/script>/, "markup is shown as it is");
		assert.match(await text(page, ".flame"), /\\u202e/, "what turns directions is shown by its number");
		for (const frame of await page.locator(".frame").all())
			await frame.hover();
		await page.locator("[role=tab]", { hasText: "Call sites" }).click();
		const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#csv").click()]);
		assert.match(readFileSync(await download.path(), "utf8"), /,'=cmd/, "no formula for a spreadsheet");
		await page.goto(`${page.url().split("#")[0]}#routine=__proto__&frame=99999&shape=-1&tab=<b>&sort=x:y&hacked=1&constructor=1`);
		await page.reload();
		await page.waitForSelector("html[data-ready]");
		assert.equal(await figure(page, "FLOPs"), "1,000");
		return page;
	});
if (files.roofs)
	await check("roofs.drawn", async () => {
		const page = await open("roofs", { fragment: "#dots=routines" });
		assert.equal(await page.locator(".roofs line.compute").count(), 1);
		assert.equal(await page.locator(".roofs line.memory").count(), 1);
		const [compute, memory] = await page.locator(".roofs line").evaluateAll(lines => lines.map(line => ["x1", "y1", "x2", "y2"].map(name => Number(line.getAttribute(name)))));
		assert.ok(Math.abs(memory[3] - compute[1]) < 0.5 && Math.abs(memory[2] - compute[0]) < 0.5, "they meet where 20 GB/s suffice for 50 GFLOP/s");
		await page.locator("#roofline .dot").first().hover();
		const [, rate, part] = /GFLOP\/s\s+([\d.]+)[^]*of the peak\s+([\d.]+) %/.exec(await text(page, "#tip"));
		assert.ok(Math.abs(Number(part) - 100 * Number(rate) / 50) < 0.15, `${rate} of 50 GFLOP/s: ${part} %`);
		return page;
	});
if (files.compare)
	await check("compare.difference", async () => {
		const page = await open("compare");
		await page.locator(".frame", { hasText: "large" }).first().hover();
		assert.match(await text(page, "#tip"), /before\s*144,000,000\s*change\s*\+33\.3 %/, "4 products after 3");
		assert.ok(await page.locator(".frame.more").count() > 0);
		assert.ok(await page.locator(".frame.same").count() > 0);
		return page;
	});
if (files["made-up"])
	await check("made-up.damaged", async () => {
		const page = await open("made-up"), whole = readFileSync(files["made-up"], "utf8");
		for (const [what, content] of [["cut", whole.replace(/(id="flopshim-data">.{300}).*?(<\/script>)/s, "$1$2")], ["empty", whole.replace(/(id="flopshim-data">).*?(<\/script>)/s, "$1$2")]]) {
			const other = await page.context().newPage(), faults = [];
			other.on("pageerror", fault => faults.push(fault));
			writeFileSync(`${files["made-up"]}.${what}.html`, content);
			await other.goto(pathToFileURL(`${files["made-up"]}.${what}.html`).href);
			await other.waitForSelector("[role=alert]");
			assert.match(await text(other, "[role=alert]"), /cannot show its data/, what);
			assert.equal(await other.locator("#static").isVisible(), true, "what it shows without a script is there");
			assert.deepEqual(faults, []);
		}
		return page;
	});
if (files["made-up"])
	await check("made-up.code", async () => {
		const page = await open("made-up", { fragment: "#tab=routines" }), code = async () => (await page.locator("#code tbody tr").allInnerTexts()).map(row => row.replace(/\s+/g, " "));
		assert.match((await code())[0], /^work a\.c:7 100\.0 % 1\.268 Q 100\.0 % 1\.268 Q 2/);
		await page.locator("#tables td", { hasText: "dsyrk" }).click();
		assert.equal((await code()).length, 1, "work has no dsyrk");
		assert.match((await code())[0], /^main a\.c:3 0\.0 % 2 0\.0 % 2 1/);
		await page.locator("#code button.link").click();
		assert.equal(await page.locator(".frame.match").count(), 1);
		return page;
	});
if (files["made-up"])
	await check("made-up.exact", async () => {
		const page = await open("made-up", { fragment: "#tab=routines" }), big = (2n ** 100n + 1n).toString();
		await copies(page, () => page.locator("#tables td.flops").first().click(), big);
		assert.match(await text(page, "#tables"), /1\.268 Q/);
		await page.locator(".frame", { hasText: "dgemm" }).hover();
		assert.match((await text(page, "#tip")).replaceAll(",", ""), new RegExp(big), "sums are exact beyond 2^53");
		assert.match(await text(page, "#tables tbody tr:nth-child(2)"), /dsyrk\s+1\s+2\s+0\.0 %\s+1\.50\s+yes/);
		return page;
	});

await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
