/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 35-model.js - which part of the work a selection leaves, for every chart and table.
 * It must never show a number that is an estimate as if it were exact.
 *
 * The table of rows says how much work each routine, shape, call site and namespace has together, and the call tree how much
 * each stack has. What both know is the call site and its namespace: a *pair*. Where a selection leaves a part of a pair's work on
 * one side, it leaves the same part on the other; such numbers are estimates (`about`), unless the part is nothing or all.
 */

const MEASURES = ["flops", "calls", "time"];
const MEASURE_COLUMNS = { flops: "flops", calls: "calls", time: "estimated_time_ns" };
const MEASURE_NAMES = { flops: "FLOPs", calls: "calls", time: "time" };

const perMeasure = make => Object.fromEntries(MEASURES.map((measure, m) => [measure, make(measure, m)]));

/* A part of a value, exact if it is all of it. */
const partOf = (value, part) => part === 1 ? value : Math.round(Number(value) * part);

/* No work, to which some is added. `any`: some has been, even if it has no FLOPs. */
const nothing = () => ({ flops: 0, calls: 0, time: 0, about: false, any: false });

class Model {
	constructor(data) {
		this.data = data;
		this.totals = data.meta.totals ?? {};
		/* What the work by code is a share of: stacks have the calls in flight, too. */
		this.begun = sum(this.totals.flops ?? 0, this.totals.in_flight_flops ?? 0);
		this.rows = data.table("rows");
		this.tree = data.table("call_tree");
		this.spaces = data.table("namespaces").get("namespace").map(text => text ?? "");
		const pairs = new Map();
		const pairOf = (sites, spaces) => sites.map((site, i) => {
			const key = `${site} ${spaces[i]}`;
			return pairs.get(key) ?? (pairs.set(key, pairs.size), pairs.size - 1);
		});
		this.isLeaf = this.tree.get("kind").map(kind => kind === "routine" || kind === "manual");
		this.rowPairs = pairOf(this.rows.get("site"), this.rows.get("namespace"));
		this.leafPairs = pairOf(this.tree.get("site"), this.tree.get("namespace"));
		this.pairCount = pairs.size;
		this.rowWork = this.work(this.rows);
		this.leafWork = this.work(this.tree);
		this.abouts = this.tree.get("about");
		[this.rowValues, this.leafValues] = [this.rows, this.tree].map(table => MEASURES.map(measure => table.get(MEASURE_COLUMNS[measure])));
	}

	/* The three measures of each row of a table, as Numbers. */
	work(table, prefix = "") {
		return perMeasure(measure => Float64Array.from(table.get(prefix + MEASURE_COLUMNS[measure]), value => Number(value ?? 0)));
	}

	/* Whether a namespace is the selected one, or inside it. */
	isInside(space) {
		if (state.ns === null)
			return true;
		const path = this.spaces[space] ?? "", selected = this.spaces[state.ns] ?? "";
		return selected === "" || path === selected || path.startsWith(`${selected}.`);
	}

	/* For each pair: the part of each measure that the elements have of which `has` is true. 0 and 1 are exact. */
	parts(pairs, work, has) {
		const some = MEASURES.map(() => new Float64Array(this.pairCount)), all = MEASURES.map(() => new Float64Array(this.pairCount));
		const counts = [new Uint32Array(this.pairCount), new Uint32Array(this.pairCount)];
		pairs.forEach((pair, i) => {
			const is = has(i);
			counts[0][pair] += is;
			counts[1][pair]++;
			MEASURES.forEach((measure, m) => {
				all[m][pair] += work[measure][i];
				some[m][pair] += is ? work[measure][i] : 0;
			});
		});
		return (pair, m) => {
			if (counts[0][pair] === 0 || counts[0][pair] === counts[1][pair])
				return counts[0][pair] ? 1 : 0;
			return all[m][pair] ? some[m][pair] / all[m][pair] : some[1][pair] / (all[1][pair] || 1);
		};
	}

	/* Takes the selection. `frameLeaves` has a 1 for each leaf of the selected frame; null if none is selected. */
	select(frameLeaves) {
		this.frameLeaves = frameLeaves;
		const { routine, shape, site } = state;
		const routines = this.rows.get("routine"), shapes = this.rows.get("shape"), sites = this.rows.get("site"), spaces = this.rows.get("namespace");
		const treeSites = this.tree.get("site"), treeSpaces = this.tree.get("namespace");
		const fits = (a, b) => a === null || a === b;
		const rowFits = i => fits(routine, routines[i]) && fits(shape, shapes[i]);
		const all = () => 1;
		const rowParts = routine === null && shape === null ? all : this.parts(this.rowPairs, this.rowWork, rowFits);
		const leafParts = frameLeaves ? this.parts(this.leafPairs, this.leafWork, i => this.isLeaf[i] && frameLeaves[i] === 1) : all;
		/* Leaves are not restricted by the frame: the flame graph shows it by zooming. */
		this.leafPart = (i, m) => fits(site, treeSites[i]) && this.isInside(treeSpaces[i]) ? rowParts(this.leafPairs[i], m) : 0;
		this.rowPart = (i, m) => rowFits(i) && fits(site, sites[i]) && this.isInside(spaces[i]) ? leafParts(this.rowPairs[i], m) : 0;
		this.total = frameLeaves ? this.leafSum(frameLeaves) : this.sums(() => 0, 1)[0];
	}

	/* The work of some leaves, which is exact where that of the rows would be a part of a pair's. */
	leafSum(leaves) {
		const group = nothing();
		leaves.forEach((is, leaf) => is && this.addLeaf(group, leaf));
		return group;
	}

	/* Adds up the selected work of the rows by a key, which is a number below `count`; of other keys nothing is added. */
	sums(keyOf, count) {
		const groups = Array.from({ length: count }, nothing);
		for (let row = 0; row < this.rows.rows; row++) {
			const group = groups[keyOf(row)];
			if (group)
				this.add(group, this.rowValues, this.rowPart, row, false);
		}
		return groups;
	}

	/* The row of `code` that each node of the call tree is; -1 for code of others. */
	get codeRows() {
		const key = (table, i) => ["function", "file", "line"].map(name => table.get(name)[i]).join("\n");
		const code = this.data.table("code"), rows = new Map(Array.from({ length: code.rows }, (_, i) => [key(code, i), i])), names = this.tree.get("function");
		const found = Int32Array.from({ length: this.tree.rows }, (_, node) => this.isLeaf[node] || names[node] === null ? -1 : rows.get(key(this.tree, node)) ?? -1);
		Object.defineProperty(this, "codeRows", { value: found });
		return found;
	}

	/* For each call site the row of `code` that has no function, but its place; -1 if there is none. */
	get placeRows() {
		const code = this.data.table("code"), sites = this.data.table("sites"), rows = new Map();
		const place = (table, i) => `${table.get("module")[i]}\n${table.get("offset")[i] ?? ""}`;
		for (let i = 0; i < code.rows; i++)
			if (code.get("function")[i] === null)
				rows.set(place(code, i), i);
		const found = Int32Array.from({ length: sites.rows }, (_, i) => rows.get(place(sites, i)) ?? rows.get(`${sites.get("module")[i]}\n`) ?? -1);
		Object.defineProperty(this, "placeRows", { value: found });
		return found;
	}

	/* What the selection leaves of each row of `code`: its own work, in `own`, and that of all below it. */
	ofCode(frameLeaves) {
		const sites = this.tree.get("site"), yours = this.data.table("code").get("yours"), parent = this.tree.get("parent"), parts = Array.from({ length: this.data.table("code").rows }, () => ({ ...nothing(), own: nothing() }));
		for (let leaf = 0; leaf < this.tree.rows; leaf++) {
			/* Of a function that calls itself, once. */
			const seen = new Set([-1]);
			if (!this.isLeaf[leaf] || (frameLeaves && !frameLeaves[leaf]))
				continue;
			const take = row => {
				if (seen.has(row))
					return;
				if (seen.size === 1)
					this.addLeaf(parts[row].own, leaf);
				this.addLeaf(parts[row], leaf);
				seen.add(row);
			};
			const place = sites[leaf] === null ? -1 : this.placeRows[sites[leaf]];
			if (place >= 0 && yours[place])
				take(place);
			for (let node = parent[leaf]; node !== null; node = parent[node])
				take(this.codeRows[node]);
			/* Nobody's function is known to have called. */
			if (seen.size === 1)
				take(place);
		}
		return parts;
	}

	addLeaf(group, leaf) {
		this.add(group, this.leafValues, this.leafPart, leaf, this.abouts[leaf]);
	}

	/* Adds what is selected of a row or a leaf to a group. */
	add(group, values, partAt, i, about) {
		MEASURES.forEach((measure, m) => {
			const part = partAt(i, m);
			if (part <= 0)
				return;
			group[measure] = sum(group[measure], partOf(values[m][i] ?? 0, part));
			group.about ||= part < 1 || Boolean(about);
			group.any = true;
		});
	}

	/* The selected work of each row of `shapes`, `sites`, `namespaces` (its own) or `routines`. */
	ofTable(key) {
		const table = this.data.table(key);
		if (key === "code")
			return this.ofCode(this.frameLeaves);
		if (key === "routines") {
			const index = new Map(table.get("routine").map((name, i) => [name, i])), routines = this.rows.get("routine");
			return this.sums(i => index.get(routines[i]), table.rows);
		}
		const column = this.rows.get({ shapes: "shape", sites: "site", namespaces: "namespace" }[key]);
		return this.sums(i => column[i], table.rows);
	}
}
