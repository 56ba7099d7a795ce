/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 60-table.js - every table of the report: sorted, filtered, copied from, and saved as CSV.
 * It must never show all rows at once: a page of a hundred thousand rows would take seconds to lay out.
 */

const PAGE_ROWS = 50;
/* Tables whose rows are selected by a click, and the member of the state that takes it: the routine's name, or the row. */
const SELECTS = { routines: "routine", shapes: "shape", sites: "site", namespaces: "ns" };
/* Columns whose values a selection changes, and the measure that takes their place. */
const RECOMPUTED = { calls: "calls", flops: "flops", estimated_time_ns: "time", share: "flops" };
/* Their order; tables that are not named here come behind these. */
const ORDER = ["changes", "code", "routines", "shapes", "sites", "namespaces", "stacks", "ranks_alike"];

const isEmpty = value => value === null || value === 0 || value === "" || value === 0n;

/* Whether people see a column: one that says nothing in any row, or repeats another, is left out. */
function isShown(table, column) {
	if (!column.title || column.flags.has("no_text") || column.flags.has("spread"))
		return false;
	if (column.flags.has("optional") || column.flags.has("rare"))
		return !column.values.every(isEmpty);
	if (column.flags.has("charged")) {
		const raw = table.get(column.key.replace("charged", "flops"));
		return column.values.some((value, i) => value !== raw[i]);
	}
	return true;
}

/* A text for a spreadsheet, which would take one that begins with = + - @ for a formula. */
function csvText(text) {
	const safe = text.replace(/[\u0000-\u001f\u007f]/g, "?").replace(/^(?=[=+\-@])/, "'");
	return /[",]/.test(safe) ? `"${safe.replace(/"/g, "\"\"")}"` : safe;
}

/*
 * A filter from what somebody types: words that must all be in a row, in any case, and comparisons such as flops>1e9 or
 * m>=100, of a column or an argument of the shape.
 */
function parsedFilter(text, table, valueAt) {
	const compare = { "<": (a, b) => a < b, ">": (a, b) => a > b, "<=": (a, b) => a <= b, ">=": (a, b) => a >= b, "=": (a, b) => a === b };
	const tests = text.trim().split(/\s+/).filter(Boolean).map(token => {
		const [, written, sign, digits, unit] = /^(\w+)(<=|>=|<|>|=)([\d.]+(?:e[+-]?\d+)?)([kMGTP%]?)$/i.exec(token) ?? [], name = written?.toLowerCase();
		const number = Number(digits) * (unit === "%" ? 0.01 : 1000 ** " KMGTP".indexOf(unit?.toUpperCase() || " "));
		const numeric = table.columns.filter(other => other.isNumeric()), has = test => numeric.find(other => [other.key, other.title.toLowerCase()].some(test));
		const column = name && (has(known => known === name) ?? has(known => known.endsWith(`_${name}`)));
		if (column)
			return row => (value => value !== null && compare[sign](Number(value), number))(valueAt(column, row));
		const shapes = table.byKey.get("arguments");
		if (name && shapes?.kind === "shape")
			return row => shapes.values[row]?.some(argument => argument.toLowerCase().startsWith(`${name}=`) && compare[sign](Number(argument.slice(name.length + 1)), number));
		const word = token.toLowerCase(), texts = table.columns.filter(other => !other.isNumeric() && other.kind !== "bool");
		return row => texts.some(other => other.values[row] !== null && exact(other.kind, other.values[row]).toLowerCase().includes(word));
	});
	return row => tests.every(test => test(row));
}

class Tables {
	constructor(app) {
		this.app = app;
		const place = table => ORDER.includes(table.key) ? ORDER.indexOf(table.key) : ORDER.length;
		this.tables = [...app.data.tables.values()].filter(table => table.rows && !["rows", "call_tree"].includes(table.key) && (table.key !== "ranks_alike" || app.data.table("process_list").rows > 1)).sort((a, b) => place(a) - place(b));
		this.tabs = make("div.tabs", { role: "tablist", "aria-label": "Tables" });
		this.filter = make("input", { type: "search", placeholder: "Filter: words, or n>=500", "aria-label": "Filter the rows of the table", spellcheck: "false", autocomplete: "off",
			oninput: () => setState({ filter: this.filter.value, page: 0 }) });
		this.count = make("span.note", { role: "status" });
		this.all = button("all columns", () => setState({ all: !state.all }), { class: "flip" });
		this.box = make("div.table-box", { role: "tabpanel", id: "panel" });
		this.pager = make("div.pager");
		const { element, tools } = section("tables", "Tables");
		tools.append(this.filter, this.all, button("Save CSV", () => save(`flopshim-${this.table.key}.csv`, "text/csv", this.csv()), { id: "csv" }));
		element.append(this.tabs, this.count, this.box, this.pager);
		this.tabs.addEventListener("keydown", event => this.tabKey(event));
		this.box.addEventListener("keydown", event => this.cellKey(event));
		element.hidden = this.tables.length === 0;
	}

	get table() {
		/* The work by code stands above already. */
		return this.tables.find(table => table.key === state.tab) ?? this.tables.find(table => table.key !== "code") ?? this.tables[0];
	}

	/* The value of a cell under the selection: { value, about }. */
	cell(column, row) {
		const value = column.values[row], part = this.work?.[row];
		if (!part || part.whole)
			return { value, about: column.about(row) };
		const [, own, name] = /^(own_|inclusive_)?(.*)$/.exec(column.key), group = own === "own_" && part.own ? part.own : part;
		const measure = own === "inclusive_" && this.table.key !== "code" ? undefined : RECOMPUTED[name];
		if (!measure)
			return { value: column.isNumeric() && column.key !== "line" ? null : value, about: false };
		if (measure === "time" && value === null && !group.time)
			return { value, about: false };
		return { value: name === "share" ? ratio(group.flops, part.own ? this.app.model.begun : this.app.model.totals.flops) : group[measure], about: group.about || column.about(row) };
	}

	/* Takes what the selection leaves of each row, where the table's rows are of work. */
	takeWork() {
		const table = this.table;
		this.work = null;
		this.belongs = () => true;
		if (!isSelected())
			return;
		if (!SELECTS[table.key] && table.key !== "code")
			return this.takeNames(table);
		const before = { namespaces: "own_", code: "inclusive_" }[table.key] ?? "", calls = table.get(`${before}calls`), flops = table.get(`${before}flops`);
		this.work = this.app.workOf(table.key).map((part, row) => ({ ...part, whole: part.calls === calls[row] && part.flops === flops[row] && !part.about }));
	}

	/* Of other tables, the rows are left whose names are selected, with their numbers of the whole run. */
	takeNames(table) {
		const { data, model } = this.app, sites = data.table("sites"), shapes = data.table("shapes"), tests = [];
		const shape = shapes.get("arguments")[state.shape]?.join(" "), routine = state.routine ?? shapes.get("routine")[state.shape] ?? sites.get("routine")[state.site];
		const symbols = new Set(sites.get("symbol").filter((_, i) => sites.get("routine")[i] === routine));
		if (routine && table.has("routine"))
			tests.push(row => table.get("routine")[row] === routine);
		else if (routine && table.has("symbol"))
			tests.push(row => symbols.has(table.get("symbol")[row]));
		if (shape && table.byKey.get("arguments")?.kind === "shape")
			tests.push(row => table.get("arguments")[row]?.join(" ") === shape);
		if (state.ns !== null && table.has("namespace"))
			tests.push(row => model.isInside(model.spaces.indexOf(table.get("namespace")[row] ?? "")));
		this.names = tests.length > 0;
		this.belongs = row => tests.every(test => test(row));
	}

	/* The rows that are left, in their order. */
	chosenRows() {
		const table = this.table, fits = parsedFilter(state.filter, table, (column, row) => this.cell(column, row).value), rows = [];
		for (let row = 0; row < table.rows; row++)
			if ((this.work ? this.work[row].any : this.belongs(row)) && fits(row))
				rows.push(row);
		const [key, direction] = state.sort.split(":"), column = table.byKey.get(key);
		if (!column)
			return rows;
		const sign = direction === "asc" ? 1 : -1, numeric = column.isNumeric() || column.kind === "bool";
		const values = new Map(rows.map(row => {
			const { value } = this.cell(column, row);
			return [row, value === null ? null : numeric ? Number(value) : exact(column.kind, value)];
		}));
		const compare = numeric ? (a, b) => a - b : (a, b) => a < b ? -1 : a > b ? 1 : 0;
		return rows.sort((a, b) => {
			const [x, y] = [values.get(a), values.get(b)];
			/* What is not known comes last. */
			if (x === null || y === null)
				return (x === null) - (y === null) || a - b;
			return sign * compare(x, y) || a - b;
		});
	}

	draw() {
		const table = this.table;
		if (!table)
			return;
		this.takeWork();
		this.rows = this.chosenRows();
		this.columns = table.columns.filter(column => state.all || isShown(table, column));
		if (document.activeElement !== this.filter)
			this.filter.value = state.filter;
		this.all.setAttribute("aria-pressed", String(state.all));
		this.tabs.replaceChildren(...this.tables.map(other => button([other.title || other.key, make("small", grouped(other.rows))], () => setState({ tab: other.key }),
			{ role: "tab", "aria-selected": other === table, "aria-controls": "panel", tabindex: other === table ? "0" : "-1", data: { key: other.key } })));
		const pages = Math.max(1, Math.ceil(this.rows.length / PAGE_ROWS)), page = Math.min(state.page, pages - 1);
		this.count.textContent = this.countText(table);
		this.box.replaceChildren(this.element(table, page));
		this.pager.replaceChildren(...(pages > 1 ? [
			button("Previous", () => setState({ page: page - 1 }), { disabled: page === 0 }),
			make("span", `${grouped(page * PAGE_ROWS + 1)}–${grouped(Math.min(this.rows.length, (page + 1) * PAGE_ROWS))} of ${grouped(this.rows.length)}`),
			button("Next", () => setState({ page: page + 1 }), { disabled: page === pages - 1 })] : []));
	}

	countText(table) {
		const texts = [this.rows.length === table.rows ? plural(table.rows, "row") : `${grouped(this.rows.length)} of ${plural(table.rows, "row")}`];
		if (isSelected())
			texts.push(this.work ? "with their part of the selection" : this.names ? "with their numbers of the whole run" : "the selection does not restrict this table");
		const left = this.app.data.meta.calls_left_out;
		if (table.key === "calls" && Number(left))
			texts.push(`the largest; ${grouped(left)} more are not in this page`);
		return `${texts.join(", ")}.`;
	}

	element(table, page) {
		const body = this.rows.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS).map((row, i) => this.row(table, row, page * PAGE_ROWS + i));
		body[0]?.cells[0]?.setAttribute("tabindex", "0");
		if (!body.length)
			body.push(make("tr", make("td.empty", { colspan: Math.max(1, this.columns.length) }, "No row is left: change the filter or the selection.")));
		return tableOf(table.title || table.key, this.columns.map(column => this.head(column)), body, { role: "grid", "aria-rowcount": this.rows.length + 1 });
	}

	head(column) {
		const [key, direction] = state.sort.split(":"), sorted = key === column.key ? direction : null, numeric = column.isNumeric();
		const first = numeric ? "desc" : "asc", next = sorted === first ? `${column.key}:${first === "asc" ? "desc" : "asc"}` : sorted ? "" : `${column.key}:${first}`;
		return headOf(button([column.title || column.key.replaceAll("_", " "), icon(sorted === "asc" ? "▲" : sorted ? "▼" : "")], () => {
			setState({ sort: next, page: 0 });
			this.box.querySelector(`th button[data-key="${column.key}"]`)?.focus();
		}, { data: { key: column.key } }), numeric, { "aria-sort": sorted ? `${sorted}ending` : "none" });
	}

	row(table, row, position) {
		const key = SELECTS[table.key], value = key && (key === "routine" ? table.get("routine")[row] : row), selected = key && state[key] === value;
		return make("tr", { "aria-rowindex": position + 2, "aria-selected": key ? Boolean(selected) : null, class: key ? "choosable" : null, data: { row } }, this.columns.map(column => {
			const { value: content, about } = this.cell(column, row);
			const td = make("td", { tabindex: "-1", class: column.isNumeric() ? `number ${column.kind}` : column.kind,
				onclick: () => column.isNumeric() ? content !== null && copy(exact(column.kind, content)) : key && !String(getSelection()) && toggle(key, value) });
			if (content === null || (column.flags.has("rare") && isEmpty(content)))
				return td;
			const text = shown(column.kind, content);
			td.append(...(column.kind === "share" ? shareOf(content) : [column.isNumeric() ? (about ? "~" : "") + text : words(text, 160)]));
			if (column.key === "routine")
				td.prepend(mark(this.app.colours.of(content)));
			if (["flops", "time"].includes(column.kind))
				tipOn(td, { title: `${about ? "about " : ""}${grouped(content)}${column.kind === "time" ? " ns" : ""}`, lines: [["", "Click copies the number"]] });
			else if (text.length > 60)
				tipOn(td, { title: text });
			return td;
		}));
	}

	tabKey(event) {
		const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
		if (!step)
			return;
		const at = this.tables.indexOf(this.table);
		setState({ tab: this.tables[(at + step + this.tables.length) % this.tables.length].key });
		this.tabs.querySelector("[aria-selected='true']").focus();
		event.preventDefault();
	}

	/* Moves between cells, and does what a click would do. */
	cellKey(event) {
		const td = event.target.closest("td"), tr = td?.parentElement;
		if (!td)
			return;
		const to = { ArrowRight: () => td.nextElementSibling, ArrowLeft: () => td.previousElementSibling, ArrowDown: () => tr.nextElementSibling?.cells[td.cellIndex],
			ArrowUp: () => tr.previousElementSibling?.cells[td.cellIndex], Home: () => tr.cells[0], End: () => tr.cells[tr.cells.length - 1] }[event.key];
		if (to)
			rove(td, to());
		else if (event.key === "Enter" || event.key === " ") {
			const [row, column] = [tr.dataset.row, td.cellIndex];
			td.click();
			rove(this.box.querySelector("td[tabindex='0']"), this.box.querySelector(`tr[data-row="${row}"]`)?.cells[column]);
		} else if (event.key === "c" && !event.ctrlKey && !event.metaKey)
			copy(exact(this.columns[td.cellIndex].kind, this.cell(this.columns[td.cellIndex], Number(tr.dataset.row)).value));
		else
			return;
		event.preventDefault();
	}

	/* All columns of the rows that are left, with exact numbers. */
	csv() {
		const { columns } = this.table;
		const lines = [columns.map(column => column.key).join(","), ...this.rows.map(row => columns.map(column => {
			const { value } = this.cell(column, row);
			return column.isNumeric() || value === null ? exact(column.kind, value) : csvText(exact(column.kind, value));
		}).join(","))];
		return `${lines.join("\n")}\n`;
	}
}
