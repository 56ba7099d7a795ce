/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pictures.mjs - takes pictures of a page: pictures.mjs PAGE.html FOLDER.
 * It must never take a picture that nobody can take again: what it shows is in PICTURES.
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { chromium } = createRequire(import.meta.url)("playwright-core");
const [, , page, folder] = process.argv;

/* The name of each, its size, colours and fragment, and the element at its top. */
const PICTURES = [
	["page", 1240, 1180, "light", "", "body"],
	["page-selection", 1240, 1180, "dark", "#routine=dgesv", "body"],
	["page-tables", 1240, 760, "light", "#tab=shapes&sort=gflops%3Adesc", "#tables"],
	["page-phone", 390, 844, "dark", "#q=train", "#flame"],
];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const [name, width, height, colorScheme, fragment, top] of PICTURES) {
	const context = await browser.newContext({ viewport: { width, height }, colorScheme });
	const view = await context.newPage();
	await view.goto(pathToFileURL(page).href + fragment);
	await view.waitForSelector("html[data-ready]");
	await view.evaluate(selector => document.querySelector(selector).scrollIntoView(), top);
	await view.waitForTimeout(300);
	await view.screenshot({ path: `${folder}/${name}.png` });
	await context.close();
}
await browser.close();
