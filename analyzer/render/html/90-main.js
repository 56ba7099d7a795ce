/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 90-main.js - begins: reads the data, and draws whatever a change of the state concerns.
 * It must never leave a page empty: where the data cannot be read, the page says so and shows what it shows without a script.
 */

const KEYS = [
	["/", "search the flame graph"], ["n, N", "next match, previous match"], ["arrow keys", "move within a graph, chart or table"], ["Enter", "select, zoom, or copy a number"], ["c", "copy the number"],
	["w", "widths: FLOPs, calls or time"], ["b", "by call stack or by namespace"], ["f", "flame or icicle"], ["i", "invert: callers below their routines"], ["0, Esc", "show everything"], ["d", "light or dark"], ["?", "these keys"],
];

/* The theme of the page: that of the system, unless somebody has chosen another. */
function chooseTheme(theme) {
	document.documentElement.dataset.theme = theme;
	byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
	byId("theme").setAttribute("aria-label", `Change to ${theme === "dark" ? "light" : "dark"} colours`);
}

function rememberedTheme() {
	try {
		return localStorage.getItem("flopshim-theme");
	/* A browser may forbid pages of files to remember anything. */
	} catch {
		return null;
	}
}

function turnTheme() {
	const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
	chooseTheme(theme);
	try {
		localStorage.setItem("flopshim-theme", theme);
	/* Otherwise it is only for now. */
	} catch {}
}

function watchTheme() {
	const dark = matchMedia("(prefers-color-scheme: dark)");
	chooseTheme(rememberedTheme() ?? (dark.matches ? "dark" : "light"));
	dark.addEventListener("change", () => rememberedTheme() ?? chooseTheme(dark.matches ? "dark" : "light"));
	byId("theme").addEventListener("click", turnTheme);
}

function watchKeys(app) {
	const help = byId("help"), search = byId("search");
	help.append(make("h2", { id: "help-title" }, "Keys"), make("dl", KEYS.map(([key, what]) => [make("dt", key), make("dd", what)])),
		make("p.note", "A click on a frame, point, routine or row selects it: all of the page then shows only that. Its address holds the selection: copy it to show others what you see."),
		make("form", { method: "dialog" }, make("button", "Close")));
	byId("keys").addEventListener("click", () => help.showModal());
	search.addEventListener("input", () => setState({ q: search.value }));
	search.addEventListener("keydown", event => {
		if (event.key === "Enter")
			app.flame.nextMatch(event.shiftKey ? -1 : 1);
		else if (event.key === "Escape" && search.value)
			setState({ q: "" });
		else if (event.key === "Escape")
			search.blur();
		else
			return;
		event.preventDefault();
	});
	const weights = Object.keys(MEASURE_NAMES), actions = {
		"/": () => search.focus(), n: () => app.flame.nextMatch(1), N: () => app.flame.nextMatch(-1), w: () => setState({ weight: weights[(weights.indexOf(state.weight) + 1) % weights.length] }),
		b: () => setState({ by: state.by === "stack" ? "namespace" : "stack" }), f: () => setState({ dir: state.dir === "icicle" ? "flame" : "icicle" }), i: () => setState({ inverted: !state.inverted }),
		0: selectNothing, Escape: selectNothing, d: turnTheme, "?": () => help.showModal(),
	};
	document.addEventListener("keydown", event => {
		if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea") || help.open || !Object.hasOwn(actions, event.key))
			return;
		actions[event.key]();
		event.preventDefault();
	});
	byId("skip").addEventListener("click", event => {
		byId("main").focus();
		event.preventDefault();
	});
	byId("home").addEventListener("click", event => {
		setState({ ...FRESH });
		scrollTo(0, 0);
		event.preventDefault();
	});
}

class App {
	constructor(data) {
		this.data = data;
		this.model = new Model(data);
		this.colours = new Colours(data);
	}

	/* The selected work of each row of a table; computed once for each selection. */
	workOf(key) {
		if (!this.works.has(key))
			this.works.set(key, this.model.ofTable(key));
		return this.works.get(key);
	}

	build() {
		[drawSummary, drawAlerts, drawBudgets, drawChange, drawConvention].forEach(part => part(this));
		this.flame = new Flame(this);
		this.roofline = new Roofline(this, "roofline", "Roofline");
		this.map = new ShapeMap(this, "map", "Map of shapes");
		this.ranks = new Ranks(this);
		this.tables = new Tables(this);
	}

	/* Draws what depends on the members of the state that have changed. */
	update(changed) {
		const has = (...keys) => keys.some(key => changed.has(key)), selection = has(...SELECTION);
		if (selection || !this.works) {
			this.works = new Map();
			this.model.select(this.flame.zoom ? this.flame.frames.leavesOf(this.flame.zoom) : null);
		}
		if (selection)
			[drawTotals, drawCode, drawChips].forEach(part => part(this));
		if (selection || has("weight", "dir", "old", ...GRAPH))
			this.flame.draw();
		else if (has("q"))
			this.flame.search();
		if (selection || has("dots"))
			this.roofline.draw();
		if (selection || has("kinds", "weight"))
			this.map.draw();
		if (has("ranks"))
			this.ranks.draw();
		if (selection || has("tab", "sort", "filter", "all", "page"))
			this.tables.draw();
		if (byId("search").value !== state.q)
			byId("search").value = state.q;
		if (selection && !this.isFirst)
			say(isSelected() ? `Selected: ${byId("chips").textContent.replaceAll("×", " ")}` : "Everything is shown");
		hideTip();
	}
}

async function begin() {
	const element = byId("flopshim-data");
	try {
		const data = await readData(element), app = new App(data);
		Object.assign(state, parsed(location.hash));
		byId("static").hidden = true;
		byId("app").hidden = false;
		watchTheme();
		app.build();
		watchTips();
		watchKeys(app);
		app.isFirst = true;
		app.update(new Set(Object.keys(FRESH)));
		app.isFirst = false;
		listeners.push(changed => app.update(changed));
		addEventListener("popstate", readAddress);
		addEventListener("hashchange", readAddress);
		document.documentElement.dataset.ready = "yes";
	} catch (fault) {
		byId("static").hidden = false;
		byId("app").hidden = true;
		document.body.prepend(make("p.fault", { role: "alert" }, `This page cannot show its data: ${fault.message}. What follows is what it shows without a script.`));
	}
}

begin();
