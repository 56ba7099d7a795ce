/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 70-summary.js - what ran, what must be known before a number is believed, totals, budgets, the user's own code.
 * It must never soften a warning: whatever the report says of losses stands here in its words.
 */

const CODE_ROWS = 10, ALERTS = 30;

/* The values that are known, once each, as one text: the first few of them. */
function listed(values, most = 3) {
	const known = [...new Set(values.filter(Boolean))];
	return known.length && words(known.length > most ? `${known.slice(0, most).join(", ")} and ${grouped(known.length - most)} more` : known.join(", "));
}

const isOfRanks = list => list.get("rank").some(rank => rank !== null);

function drawSummary({ data }) {
	const { meta } = data, list = data.table("process_list"), elapsed = list.get("elapsed_ns").reduce((most, ns) => Number(ns) > Number(most) ? ns : most, 0);
	byId("summary").append(make("p.kicker", meta.compare ? "A comparison of two runs" : "The floating-point work of a run"), make("h1", words(meta.title || meta.what || "flopshim")),
		meta.what && meta.what !== meta.title ? make("p.what", words(meta.what, 1000)) : "", make("p.how", words(meta.how ?? "", 1000)),
		factsOf([["program", listed(list.get("program"))], ["host", listed(list.get("host"))], [isOfRanks(list) ? "ranks" : "processes", grouped(list.rows)],
			["started", (list.get("started").filter(Boolean).sort()[0] ?? "").replace("T", " ").replace("Z", " UTC")], ["ran", Number(elapsed) && time(elapsed)], ["BLAS", listed(data.table("libraries").get("path"))]]),
		meta.redacted ? make("p.note", "Arguments, paths, hosts and source lines are left out.") : "");
}

/* What a reader must not miss: what was lost, not priced, out of reach or refused. */
function drawAlerts({ data }) {
	const { meta } = data, warnings = (meta.facts ?? []).filter(fact => fact.warning), element = byId("alerts");
	const pairs = (table, first, second) => data.table(table).get(first).map((text, i) => [`${text ?? ""}:`, data.table(table).get(second)[i]]);
	const lines = [...warnings.map(fact => [fact.label, fact.text]), ...!warnings.length && meta.complete === false ? [["INCOMPLETE", "Something is missing: these numbers are of what could be read."]] : [],
		...pairs("damage", "file", "text"), ...pairs("notes", "text", "meaning")];
	element.hidden = !lines.length;
	element.append(make("h2", meta.complete === false ? "Incomplete" : "To be known before reading on"), make("ul", lines.slice(0, ALERTS).map(([label, text]) => make("li", make("strong", words(label)), " ", words(text ?? "", 1000)))),
		lines.length > ALERTS ? make("p", `and ${plural(lines.length - ALERTS, "line")} more, which the tables have`) : "");
}

function drawTotals({ data, model }) {
	const { meta } = data, { totals, total: now } = model, list = data.table("process_list"), selected = isSelected(), about = selected && now.about ? "~" : "";
	const brief = number => about + (number > 999999 ? short(number) : grouped(number));
	const card = (label, text, full, note) => make("div.card", make("span.label", label), button(text, () => copy(String(full)), { class: "figure", title: `Copy ${full}` }), make("span.note", note));
	const work = (label, measure, key, text, note) => {
		const value = selected ? now[measure] : totals[key] ?? 0;
		return card(label, text(value), value, selected ? `${percent(ratio(value, totals[key]))} of the run` : note(value));
	};
	const exactly = value => value > 999999 ? grouped(value) : "";
	byId("totals").replaceChildren(...meta.totals ? [work("FLOPs", "flops", "flops", brief, exactly), work("calls", "calls", "calls", brief, exactly),
		Number(totals.estimated_time_ns) ? work("time in calls", "time", "estimated_time_ns", ns => `${about || (totals.timed_calls === totals.calls ? "" : "~")}${time(ns)}`, () => `${grouped(totals.timed_calls)} of the calls timed`) : "",
		!selected && Number(totals.time_ns) ? card("GFLOP/s", real(ratio(totals.timed_flops, totals.time_ns)), ratio(totals.timed_flops, totals.time_ns), "in the timed calls") : "",
		!selected && (totals.charged ?? totals.flops) !== totals.flops ? card("charged", short(totals.charged), totals.charged, "after weights and multipliers") : "",
		list.rows > 1 ? card(isOfRanks(list) ? "ranks" : "processes", grouped(list.rows), list.rows, plural(data.table("hosts").rows || 1, "host")) : "",
		!Number(totals.calls) && !Number(totals.flops) ? make("p.empty", "Nothing was counted: the program made no call of BLAS or LAPACK that flopshim saw.") : "",
	] : [make("p.empty", "No count could be read.")]);
}

function drawBudgets({ data }) {
	const limits = data.table("limits"), { element, note } = section("budgets", "Budgets");
	const [names, kinds, amounts, used, refused, over] = [limits.has("name") ? "name" : "namespace", "kind", "amount", "used", "refused_calls", "over_calls"].map(key => limits.get(key));
	element.hidden = !limits.rows;
	note.textContent = "What of each budget was used, by the process that used most.";
	element.append(make("ul.budgets", names.map((name, i) => {
		const remarks = [Number(refused[i]) && `${plural(refused[i], "call")} refused`, Number(over[i]) && `${plural(over[i], "call")} over the budget`].filter(Boolean), part = ratio(used[i], amounts[i]);
		return tipOn(make("li", { class: part > 1 || remarks.length ? "exceeded" : null, tabindex: "0" }, make("span.name", words(name || "(all)", 60), kinds[i] === "namespace" ? "" : ` (${kinds[i]})`), bar(part),
			make("span.amounts", `${short(used[i] ?? 0)} of ${short(amounts[i] ?? 0)}, ${percent(part)} `, make("strong", remarks.join(", ")))),
		{ title: name || "(all)", lines: [["budget", grouped(amounts[i] ?? 0)], ["used", grouped(used[i] ?? 0)]] });
	})));
}

/* The user's own functions and lines: what a person asks for first. */
function drawCode(app) {
	const table = app.data.table("code"), element = byId("code"), parts = isSelected() ? app.workOf("code") : null;
	const [functions, files, lines, modules, about, names] = ["function", "file", "line", "module", "about", "place"].map(key => table.get(key));
	element.hidden = !table.rows;
	if (!element.firstChild) {
		const { note, tools } = section("code", "By your code");
		note.textContent = `Your functions and lines, with what the libraries below them did.${about.some(Boolean) ? " Stacks were sampled: numbers after a ~ are estimates." : ""}`;
		tools.append(table.rows > CODE_ROWS ? button(`All ${grouped(table.rows)}`, () => { setState({ tab: "code" }); byId("tables").scrollIntoView(); }) : "");
		element.append(make("div.table-box"));
	}
	const rows = functions.map((_, i) => i).filter(i => !parts || parts[i].any).slice(0, CODE_ROWS).map(i => {
		const name = functions[i] ?? names[i] ?? "unknown", place = files[i] ? `${files[i]}${lines[i] ? `:${lines[i]}` : ""}` : modules[i] ?? "";
		const part = parts && { own: parts[i].own, inclusive: parts[i] }, key = (own, measure) => `${own}_${MEASURE_COLUMNS[measure]}`;
		const value = (own, measure) => part ? part[own][measure] : table.get(key(own, measure))[i] ?? 0;
		const tilde = (own, measure) => part?.[own].about || table.byKey.get(key(own, measure))?.about(i) ? "~" : "";
		const number = (own, measure, format) => make("td.number", { title: value(own, measure), onclick: () => copy(String(value(own, measure))) }, tilde(own, measure) + format(value(own, measure)));
		const share = own => make("td.number", shareOf(ratio(value(own, "flops"), app.model.begun)));
		const find = () => setState({ q: escaped(`${name} ${place}`), by: "stack" });
		return make("tr", make("td.where", functions[i] ? button(words(name, 60), find, { class: "link", title: "Show it in the flame graph" }) : words(name, 60), " ", tipOn(make("span.place", words(place, 70)), { title: place })),
			share("own"), number("own", "flops", short), share("inclusive"), number("inclusive", "flops", short), number("inclusive", "calls", grouped), number("inclusive", "time", ns => Number(ns) ? time(ns) : ""));
	});
	element.lastChild.replaceChildren(tableOf("By your code", ["function", "own share", "own FLOPs", "with callees", "FLOPs", "calls", "time"].map((title, i) => headOf(title, i)), rows));
}

function drawChange({ data }) {
	const { compare } = data.meta, totals = data.table("change_totals"), columns = totals.columns.filter(column => !column.values.every(isEmpty));
	byId("change").hidden = !compare;
	if (compare)
		section("change", "From old to new").element.append(factsOf([["old", words(compare.old)], ["new", words(compare.new)]]), make("div.table-box", tableOf("Totals", columns.map(column => headOf(column.title || column.key, column.isNumeric())),
			Array.from({ length: totals.rows }, (_, i) => make("tr", columns.map(column => make("td", { class: column.isNumeric() ? "number" : null }, words(shown(column.kind, column.values[i])))))))));
}

function drawConvention({ data }) {
	const { meta } = data;
	section("convention", "How it was counted").element.append(make("p.prose", words(meta.convention ?? "", 4000)),
		make("dl.lines", (meta.facts ?? []).filter(fact => !fact.warning).map(fact => [make("dt", fact.label), make("dd", words(fact.text, 1000))])),
		make("p.note", `Written by flopshim-report ${meta.version ?? ""}. This file is its own data: `, make("code", "flopshim-report FILE.html"), " reads it like a dump, and ", make("code", "flopshim-report compare OLD.html NEW.html"), " compares two of them."));
}

/* What is selected, each as a button that frees it. */
function drawChips(app) {
	const { data } = app, shapes = data.table("shapes"), sites = data.table("sites");
	const names = {
		routine: value => value,
		shape: row => `${shapes.get("routine")[row] ?? "?"} ${shapes.get("arguments")[row]?.join(" ") ?? ""}`,
		site: row => `from ${(sites.has("place") ? sites.get("place")[row] : sites.get("function")[row]) ?? baseName(sites.get("module")[row] ?? "?")}`,
		ns: row => `namespace ${app.model.spaces[row] || "(all)"}`,
		frame: frame => `below ${app.flame.frames.names[frame] ?? "?"}`,
	};
	byId("chips").replaceChildren(...SELECTION.filter(key => state[key] !== null).map(key => button([words(names[key](state[key]), 34), icon("×")], () => setState({ [key]: null }),
		{ class: "chip", "aria-label": clean(`Remove ${names[key](state[key])}`), data: { key } })));
}
