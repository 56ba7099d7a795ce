/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 20-format.js - numbers and texts as people see them: the same as in the report.
 * It must never round a number that somebody copies.
 */

const PREFIXES = ["", "k", "M", "G", "T", "P", "E", "Z", "Y", "R", "Q"];

/* 1234567 as 1,234,567. */
function grouped(value) {
	return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/* 1234567 as 1.235 M: four digits, of a number of any size. */
function short(value) {
	const exact = String(typeof value === "number" ? BigInt(Math.round(value)) : value);
	if (exact.length <= 4)
		return exact;
	let digits = Math.round(Number(exact.slice(0, 15)) / 10 ** (Math.min(exact.length, 15) - 4)), length = exact.length;
	if (digits === 10000) {
		digits = 1000;
		length++;
	}
	if (length > 3 * PREFIXES.length)
		return `${(digits / 1000).toFixed(3)}e${length - 1}`;
	const before = (length - 1) % 3 + 1;
	return `${(digits / 10 ** (4 - before)).toFixed(4 - before)} ${PREFIXES[(length - 1) / 3 | 0]}`;
}

function time(value) {
	const ns = Number(value);
	const [unit, name] = ns < 1e3 ? [1, "ns"] : ns < 1e6 ? [1e3, "µs"] : ns < 1e9 ? [1e6, "ms"] : ns < 1e12 ? [1e9, "s"] : [3600e9, "h"];
	const shown = ns / unit;
	return `${shown.toFixed(shown < 10 ? 2 : shown < 100 ? 1 : 0)} ${name}`;
}

const percent = value => `${(100 * value).toFixed(1)} %`;
const real = value => value.toFixed(Math.abs(value) < 100 ? 2 : 0);

function change(value) {
	if (value === 0)
		return "0 %";
	return `${value > 0 ? "+" : "−"}${Math.abs(100 * value).toFixed(Math.abs(value) < 0.001 ? 4 : 1)} %`;
}

const FORMATS = {
	count: grouped, number: String, flops: short, share: percent, time, real, change,
	bool: value => value ? "yes" : "", text: String,
	shape: list => list.join(" "), list: list => list.join(" "), stack: list => list.join(" ‹ "),
};

/* The value as people see it, and as programs do: the second is what is copied and exported. */
const shown = (kind, value) => value === null ? "" : FORMATS[kind](value);
const exact = (kind, value) => value === null ? "" : Array.isArray(value) ? value.join(kind === "stack" ? " < " : " ") : String(value);

/* How many of a thing: `1 call`, `2 calls`. */
const plural = (count, noun) => `${grouped(count)} ${noun}${Number(count) === 1 ? "" : "s"}`;

/*
 * A text of the run, safe to look at: control characters, and those that turn the direction of the text around, are shown by
 * their numbers, since a name could otherwise look like another one.
 */
function clean(text) {
	return String(text).replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
		c => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/* A long text without its middle: the begin of a path and its end say more than either alone. */
function shorten(text, length) {
	if (text.length <= length)
		return text;
	const begin = Math.floor((length - 1) / 3);
	return `${text.slice(0, begin)}…${text.slice(text.length - (length - 1 - begin))}`;
}

/* A part of a whole, of numbers of any size; of nothing it is 0. */
const ratio = (part, whole) => Number(part) / (Number(whole) || 1);

const baseName = path => path.slice(path.lastIndexOf("/") + 1);
