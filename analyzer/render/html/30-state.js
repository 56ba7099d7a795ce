/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 30-state.js - what is selected and how it is shown. It lives in the fragment of the page's address, so that `back` works
 * and a link shows what its sender saw.
 * It must never draw anything: main.js draws whatever has changed.
 */

/*
 * Each member with its value in a fresh page. Those of a selection are null where they do not restrict anything: the name of
 * a routine, rows of the tables of shapes, call sites and namespaces, and the number of a frame of the flame graph.
 */
const FRESH = {
	routine: null, shape: null, site: null, ns: null, frame: null,
	weight: "flops", by: "stack", dir: "icicle", inverted: false, native: false, old: false, q: "",
	dots: "shapes", kinds: "", ranks: "flops",
	tab: "", sort: "", filter: "", all: false, page: 0,
};
const SELECTION = ["routine", "shape", "site", "ns", "frame"];
/* A frame's number is one of the graph that is shown, and means nothing in another. */
const GRAPH = ["by", "inverted", "native"];

const state = { ...FRESH };
const listeners = [];

function parsed(fragment) {
	const found = { ...FRESH };
	for (const [key, text] of new URLSearchParams(fragment.replace(/^#/, ""))) {
		if (!Object.hasOwn(FRESH, key))
			continue;
		if (!["shape", "site", "ns", "frame", "page"].includes(key))
			found[key] = typeof FRESH[key] === "boolean" ? text === "1" : text;
		else if (/^\d{1,9}$/.test(text))
			found[key] = Number(text);
	}
	if (!Object.hasOwn(MEASURE_NAMES, found.weight))
		found.weight = FRESH.weight;
	return found;
}

function fragmentOf(values) {
	const parameters = new URLSearchParams();
	for (const [key, value] of Object.entries(values))
		if (value !== FRESH[key])
			parameters.set(key, value === true ? "1" : value);
	return `#${parameters}`;
}

function tell(before) {
	const changed = new Set(Object.keys(FRESH).filter(key => state[key] !== before[key]));
	if (changed.size)
		listeners.forEach(listener => listener(changed));
}

/* Takes new values. What restricts the selection or turns to another graph is a step that `back` undoes. */
function setState(values) {
	const before = { ...state };
	Object.assign(state, values);
	if (GRAPH.some(key => state[key] !== before[key]))
		state.frame = values.frame ?? null;
	if (state.tab !== before.tab)
		Object.assign(state, { sort: "", filter: "", page: 0 }, values);
	const isStep = [...SELECTION, ...GRAPH, "tab"].some(key => state[key] !== before[key]);
	if (fragmentOf(state) !== fragmentOf(before))
		history[isStep ? "pushState" : "replaceState"](null, "", fragmentOf(state));
	tell(before);
}

/* Selects what was not selected, and frees what was. */
function toggle(key, value) {
	setState({ [key]: state[key] === value ? null : value });
}

const isSelected = () => SELECTION.some(key => state[key] !== null);
const selectNothing = () => setState(Object.fromEntries(SELECTION.map(key => [key, null])));

function readAddress() {
	const before = { ...state };
	Object.assign(state, parsed(location.hash));
	tell(before);
}
