/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 25-dom.js - makes elements, and shows what is under the pointer or has the focus.
 * It must never turn a text of the run into markup: every text becomes a text node.
 */

const SVG = "http://www.w3.org/2000/svg";
const TEXT_MAX = 400, TIP_TEXT_MAX = 1500;

const byId = id => document.getElementById(id);

/* Makes an element "tag.class.class", with properties if the first of the children is a plain object. */
function create(element, classes, children) {
	const properties = children[0]?.constructor === Object ? children.shift() : {};
	if (classes.length)
		properties.class = classes.join(" ");
	for (const [name, value] of Object.entries(properties)) {
		const isState = name.startsWith("aria-") && value === false;
		if (name.startsWith("on"))
			element.addEventListener(name.slice(2), value);
		else if (name === "data")
			Object.assign(element.dataset, value);
		else if (isState || (value ?? false) !== false)
			element.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : value);
	}
	element.append(...children.flat(Infinity).filter(child => (child ?? false) !== false));
	return element;
}

/* make("p.note", "text", make("b", { title: "x" }, "more") ...) */
function make(name, ...children) {
	const [tag, ...classes] = name.split(".");
	return create(document.createElement(tag), classes, children);
}

function draw(name, ...children) {
	const [tag, ...classes] = name.split(".");
	return create(document.createElementNS(SVG, tag), classes, children);
}

/* A text of the run as an element of its own, so that its direction does not change its neighbours'. */
const words = (text, length = TEXT_MAX) => make("bdi", shorten(clean(text), length));

const button = (text, onclick, properties = {}) => make("button", { type: "button", onclick, ...properties }, text);

/* A bar as long as a part, from 0 to 1. */
function bar(part) {
	const element = icon("", "bar");
	element.style.setProperty("--part", String(Math.min(1, Math.max(0, part))));
	return element;
}

/* A share as a bar and a number; the numbers of a column are equally wide, so that the bars lie below one another. */
const shareOf = part => [bar(part), percent(part).padStart(7, "\u2007")];

/* A row of buttons of which one is pressed: choice("Weight", { flops: "FLOPs" }, "flops", key => ...) */
function choice(label, options, chosen, choose) {
	return make("div.choice", { role: "group", "aria-label": label }, Object.entries(options).map(([key, text]) =>
		button(text, () => choose(key), { "aria-pressed": key === chosen, data: { key } })));
}

/* A table of rows, with its heads. */
const tableOf = (title, heads, rows, more = {}) => make("table", more, make("caption.unseen", title), make("thead", make("tr", heads)), make("tbody", rows));
const headOf = (content, isNumber, more = {}) => make("th", { scope: "col", class: isNumber ? "number" : null, ...more }, content);
const icon = (text, look) => make("i", { class: look, "aria-hidden": "true" }, text);

/* Short facts beside one another: [label, value] of those that have a value. */
const factsOf = facts => make("dl.facts", facts.filter(([, value]) => value).map(([label, value]) => make("div", make("dt", label), make("dd", value))));

/*
 * Moves the focus among elements of which Tab leads to one alone, the one that had it last. Nothing
 * happens if there is none to move to.
 */
function rove(from, to) {
	if (!to)
		return;
	if (from)
		from.tabIndex = -1;
	to.tabIndex = 0;
	to.focus();
}

/* The head of a section whose note and tools are filled again each time it is drawn. */
function section(id, title) {
	const note = make("p.note"), tools = make("div.tools"), element = byId(id);
	element.append(make("div.heading", make("div", make("h2", title), note), tools));
	return { element, note, tools };
}

/* Tells a screen reader what has happened, and for `toast` everybody. */
function say(text, toast = false) {
	byId("status").textContent = text;
	if (!toast)
		return;
	const element = byId("toast");
	element.textContent = text;
	element.hidden = false;
	clearTimeout(say.timer);
	say.timer = setTimeout(() => element.hidden = true, 1800);
}

async function copy(text) {
	try {
		await navigator.clipboard.writeText(text);
	} catch {
		const area = make("textarea.unseen");
		area.value = text;
		document.body.append(area);
		area.select();
		document.execCommand("copy");
		area.remove();
	}
	say(`Copied ${shorten(clean(text), 60)}`, true);
}

/* Offers a file with these contents. */
function save(name, type, text) {
	const address = URL.createObjectURL(new Blob([text], { type }));
	const link = make("a", { href: address, download: name });
	document.body.append(link);
	link.click();
	link.remove();
	setTimeout(() => URL.revokeObjectURL(address), 10000);
	say(`Saved ${name}`, true);
}

/* ---- the tip: the figures of what is under the pointer, or has the focus ---- */

/* `tip` is { title, sub, lines: [[label, text] ...] }, or a function that returns one. */
function tipOn(element, tip) {
	element.tip = tip;
	return element;
}

function placeTip(element, x, y) {
	const { innerWidth: width, innerHeight: height } = window;
	const box = element.getBoundingClientRect();
	element.style.left = `${Math.max(8, x + 16 + box.width > width - 8 ? Math.min(x, width) - box.width - 12 : x + 16)}px`;
	element.style.top = `${Math.max(8, y + 18 + box.height > height - 8 ? y - box.height - 12 : y + 18)}px`;
}

function showTip(target, x, y) {
	const element = byId("tip"), tip = typeof target.tip === "function" ? target.tip() : target.tip;
	if (!tip)
		return hideTip();
	if (element.target !== target) {
		element.target = target;
		element.replaceChildren(make("strong", words(tip.title, TIP_TEXT_MAX)), tip.sub ? make("div.sub", words(tip.sub, TIP_TEXT_MAX)) : "",
			make("dl", (tip.lines ?? []).map(([label, text]) => [make("dt", label), make("dd", text)])));
		element.hidden = false;
	}
	placeTip(element, x, y);
}

function hideTip() {
	byId("tip").hidden = true;
	byId("tip").target = null;
}

function watchTips() {
	const owner = target => {
		while (target && !target.tip)
			target = target.parentElement;
		return target;
	};
	const pointer = { x: -1, y: -1 };
	const showBeside = target => {
		const box = target.getBoundingClientRect();
		showTip(target, box.left, box.bottom - 10);
	};
	document.addEventListener("pointermove", event => {
		const target = owner(event.target);
		[pointer.x, pointer.y] = [event.clientX, event.clientY];
		if (target)
			showTip(target, event.clientX, event.clientY);
		else if (!byId("tip").byFocus)
			hideTip();
	});
	document.addEventListener("focusin", event => {
		const target = owner(event.target), keyboard = event.target.matches(":focus-visible");
		byId("tip").byFocus = Boolean(target && keyboard);
		if (!target || !keyboard)
			return;
		showBeside(target);
	});
	document.addEventListener("focusout", () => {
		byId("tip").byFocus = false;
		hideTip();
	});
	document.addEventListener("scroll", () => {
		const { target, byFocus } = byId("tip");
		/* The browser scrolls to what gets the focus. */
		if (target && byFocus)
			showBeside(target);
		else if (target && owner(document.elementFromPoint(pointer.x, pointer.y)) !== target)
			hideTip();
	}, { passive: true, capture: true });
}

/* The lines of a tip about work: [label, value] of those that are known. */
function workLines(work, total) {
	return [
		["FLOPs", `${work.about ? "about " : ""}${grouped(work.flops)}`],
		total && ["share", percent(ratio(work.flops, total))],
		work.calls !== undefined && ["calls", `${work.about ? "about " : ""}${grouped(work.calls)}`],
		work.time && ["time", `${time(work.time)}`],
	].filter(Boolean);
}
