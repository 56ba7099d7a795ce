/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 40-flame.js - the flame graph: who called whom, by call stack or by namespace, as wide as the work.
 * It must never draw more frames than a person can see: those narrower than a hair are left out, and it says how many.
 */

const FRAME_HEIGHT = 21, FRAMES_MAX = 4000, NARROWEST = 0.0012;
/* More labels than any page has texts: a parent's number times this, plus a label's, is a key. */
const LABELS = 2 ** 24;

/*
 * A tree that can be drawn. Its numbers do not depend on what is selected, so that the address of a page may name a frame;
 * a parent's number is below those of its children, and 0 is the root.
 */
class Frames {
	constructor(data, by, inverted, native) {
		const tree = data.table("call_tree"), spaces = data.table("namespaces").get("namespace");
		const [parents, kinds, names, files, lines, modules, leafSpaces] = ["parent", "kind", "function", "file", "line", "module", "namespace"].map(key => tree.get(key));
		const isLeaf = node => kinds[node] === "routine" || kinds[node] === "manual", numbers = new Map(), labels = [], children = new Map();
		Object.assign(this, { parents: [-1], names: ["all"], subs: [""], kinds: ["root"], depths: [0], lists: [[]], leaves: new Int32Array(tree.rows).fill(-1) });
		const label = (...texts) => {
			const key = texts.join("\n");
			return numbers.get(key) ?? (numbers.set(key, labels.push(texts) - 1), labels.length - 1);
		};
		/* Calls of the same routine are one frame, wherever in the function they are. */
		const place = node => isLeaf(node) ? "" : files[node] ? `${files[node]}${lines[node] ? `:${lines[node]}` : ""}` : modules[node] ?? "";
		const ofNode = kinds.map((kind, node) => label(kind, names[node] ?? baseName(modules[node] ?? "unknown"), place(node)));
		for (let leaf = 0; leaf < tree.rows; leaf++) {
			if (!isLeaf(leaf))
				continue;
			let path = [], frame = 0;
			if (by === "namespace")
				path = [ofNode[leaf], ...(spaces[leafSpaces[leaf]] || "").split(".").filter(Boolean).map(name => label("space", name, "")).reverse()];
			else {
				for (let node = leaf; node !== null; node = parents[node])
					path.push(node);
				/* Native frames of a stack that has Python frames are those of the interpreter. */
				if (!native && path.some(node => kinds[node] === "python"))
					path = path.filter(node => kinds[node] !== "native");
				path = path.map(node => ofNode[node]);
			}
			for (const number of inverted ? path : path.reverse()) {
				const key = frame * LABELS + number, above = frame;
				frame = children.get(key) ?? this.add(above, ...labels[number]);
				children.set(key, frame);
			}
			this.leaves[leaf] = frame;
		}
	}

	add(parent, kind, name, sub) {
		const frame = this.parents.push(parent) - 1;
		this.kinds.push(kind);
		this.names.push(name);
		this.subs.push(sub);
		this.depths.push(this.depths[parent] + 1);
		this.lists.push([]);
		this.lists[parent].push(frame);
		return frame;
	}

	/* A byte for each node of the call tree: 1 if it is a leaf in the frame. */
	leavesOf(frame) {
		const inside = new Uint8Array(this.parents.length);
		for (let i = frame; i < inside.length; i++)
			inside[i] = i === frame || inside[this.parents[i]];
		return Uint8Array.from(this.leaves, leaf => leaf >= 0 && inside[leaf]);
	}

	/* Adds a value of each leaf up, from the leaves to the root. */
	addUp(valueOf) {
		const sums = new Float64Array(this.parents.length);
		this.leaves.forEach((frame, leaf) => frame >= 0 && (sums[frame] += valueOf(leaf)));
		for (let frame = sums.length - 1; frame > 0; frame--)
			sums[this.parents[frame]] += sums[frame];
		return sums;
	}

	/* The frame and those above it, from the root on. */
	pathOf(frame) {
		const path = [];
		for (; frame >= 0; frame = this.parents[frame])
			path.unshift(frame);
		return path;
	}
}

class Flame {
	constructor(app) {
		Object.assign(this, { app, tree: app.data.table("call_tree"), trees: new Map(), comparing: Boolean(app.data.meta.compare), matches: [] }, section("flame", "Where the work comes from"));
		this.box = make("div.flame", { role: "tree", "aria-label": "Flame graph: arrow keys move, Enter zooms", onkeydown: event => this.key(event) });
		this.element.append(this.path = make("div.path"), this.box, this.legend = make("div.legend"));
		const kinds = new Set(this.tree.get("kind"));
		this.hasStacks = kinds.has("python") || kinds.has("native");
		this.isMixed = kinds.has("python") && kinds.has("native");
	}

	/* The tree that the state asks for. */
	get frames() {
		const key = `${state.by} ${state.inverted} ${state.native}`;
		if (!this.trees.has(key))
			this.trees.set(key, new Frames(this.app.data, state.by, state.inverted, state.native));
		return this.trees.get(key);
	}

	get zoom() {
		return state.frame !== null && state.frame < this.frames.parents.length ? state.frame : 0;
	}

	/* The part of a frame's work in that of another one, or of all. */
	part(frame, whole = 0) {
		return this.widths[frame] / (this.widths[whole] || 1);
	}

	draw() {
		const { frames: tree, app: { model } } = this, m = MEASURES.indexOf(state.weight);
		const flip = (key, text, title) => button(text, () => setState({ [key]: !state[key] }), { class: "flip", "aria-pressed": state[key], title, data: { key } });
		this.tools.replaceChildren(
			choice("Width of a frame", MEASURE_NAMES, state.weight, weight => setState({ weight })),
			choice("Frames", { stack: "call stack", namespace: "namespace" }, state.by, by => setState({ by })),
			choice("Direction", { icicle: "icicle", flame: "flame" }, state.dir, dir => setState({ dir })),
			flip("inverted", "invert", "From the routine outwards to its callers (i)"),
			this.isMixed && state.by === "stack" ? flip("native", "native frames", "Show the interpreter's own frames in Python's stacks") : "",
			this.comparing ? flip("old", "widths of the old run", "Draw the widths of the old run") : "");
		const add = work => perMeasure((measure, i) => tree.addUp(leaf => work[measure][leaf] && work[measure][leaf] * model.leafPart(leaf, i)));
		this.sums = add(model.leafWork);
		this.about = tree.addUp(leaf => { const part = model.leafPart(leaf, m); return part > 0 && (part < 1 || model.abouts[leaf]) ? 1 : 0; });
		this.olds = this.comparing ? add(this.oldWork ??= model.work(this.tree, "old_")) : null;
		this.widths = (state.old && this.olds || this.sums)[state.weight];
		this.place();
		this.search();
	}

	/* Places the frames: the zoomed one and those above it over the whole width, those below it by their work. */
	place() {
		const { frames: tree, widths, zoom } = this;
		this.elements = new Map();
		let narrow = 0, deepest = 0, level = [[zoom, 0]];
		const put = (frame, left, width) => {
			deepest = Math.max(deepest, tree.depths[frame]);
			this.elements.set(frame, this.frameElement(frame, left, width));
		};
		if (widths[zoom] > 0)
			tree.pathOf(zoom).forEach(frame => put(frame, 0, 1));
		while (widths[zoom] > 0 && level.length) {
			const next = [];
			for (let [parent, left] of level)
				for (const frame of this.bySize(tree.lists[parent])) {
					const width = widths[frame] / widths[zoom];
					if (width >= NARROWEST && this.elements.size < FRAMES_MAX) {
						put(frame, left, width);
						next.push([frame, left]);
					} else if (width)
						narrow++;
					left += width;
				}
			level = next;
		}
		for (const [frame, element] of this.elements)
			element.style.top = `${FRAME_HEIGHT * (state.dir === "icicle" ? tree.depths[frame] : deepest - tree.depths[frame])}px`;
		this.box.style.height = `${FRAME_HEIGHT * (deepest + 1)}px`;
		this.box.replaceChildren(...this.elements.size ? this.elements.values() : [make("p.empty", !this.tree.rows ? "No call was counted, so there is nothing to draw."
			: isSelected() ? "The selection has no such work." : `There is no ${MEASURE_NAMES[state.weight]} to draw: choose another width.`)]);
		this.elements.get(zoom)?.setAttribute("tabindex", "0");
		this.drawNotes(narrow);
	}

	bySize(frames) {
		return [...frames].sort((a, b) => this.widths[b] - this.widths[a] || a - b);
	}

	drawNotes(narrow) {
		const { frames: tree, zoom } = this;
		this.note.textContent = [state.by === "stack" && this.tree.rows && !this.hasStacks && "No stacks were taken in this run, so the frames are the routines alone.",
			this.about[0] > 0 && state.by === "stack" && this.hasStacks && "Not every call's stack was taken: widths are about right.",
			narrow && `${plural(narrow, "frame")} too narrow to draw: zoom in to see them.`].filter(Boolean).join(" ");
		this.path.replaceChildren(...zoom ? tree.pathOf(zoom).map(frame => button(words(tree.names[frame], 40), () => setState({ frame: frame || null }))) : []);
		const legend = this.comparing ? { more: "more than before", less: "less", same: "the same", new: "new" } : { python: "Python", native: "native", space: "namespace", routine: "routine, by its colour in all charts" };
		const drawn = new Set([...this.elements.keys()].map(frame => tree.kinds[frame]));
		this.legend.replaceChildren(...Object.entries(legend).filter(([kind]) => this.comparing || drawn.has(kind)).map(([kind, text]) => make("span", make("i", { class: `swatch ${kind}` }), text)));
	}

	frameElement(frame, left, width) {
		const { frames: tree, zoom } = this, kind = tree.kinds[frame], name = tree.names[frame], sub = tree.subs[frame];
		const look = this.comparing ? this.difference(frame) : kind === "routine" ? `routine c${this.app.colours.of(name)}` : kind;
		const element = make("div", {
			class: `frame ${look}${tree.depths[frame] < tree.depths[zoom] ? " above" : ""}`, role: "treeitem", tabindex: "-1", data: { frame }, onclick: () => this.zoomTo(frame),
			"aria-level": tree.depths[frame] + 1, "aria-expanded": tree.lists[frame].length ? "true" : null, "aria-selected": frame === state.frame,
			"aria-label": clean(`${name}, ${shorten(sub, 80)}, ${percent(this.part(frame))} of ${MEASURE_NAMES[state.weight]}`),
		}, width > 0.012 ? words(frame ? `${name}${sub && baseName(sub) !== name ? `  ${baseName(sub)}` : ""}` : `all: ${this.amount()}`, 120) : "");
		element.style.left = `${left * 100}%`;
		element.style.width = `${width * 100}%`;
		return tipOn(element, () => this.tip(frame));
	}

	/* All work, in words. */
	amount() {
		return state.weight === "time" ? time(this.widths[0]) : `${(state.weight === "flops" ? short : grouped)(Math.round(this.widths[0]))} ${MEASURE_NAMES[state.weight]}`;
	}

	/* How a frame differs from the old run, as a class. */
	difference(frame) {
		const now = this.sums[state.weight], old = this.olds[state.weight], part = (now[frame] - old[frame]) / (Math.max(now[0], old[0]) || 1);
		if (!part)
			return "same";
		const step = Math.abs(part) > 0.1 ? 3 : Math.abs(part) > 0.01 ? 2 : 1;
		return !old[frame] ? "new" : `${part > 0 ? "more" : "less"} step${step}`;
	}

	/* The work of a frame in a measure. Beyond 2^53, where sums of Numbers are not exact, it is added up again. */
	exactWork(frame, measure, prefix = "") {
		const quick = (prefix ? this.olds : this.sums)[measure][frame];
		if (quick <= Number.MAX_SAFE_INTEGER)
			return Math.round(quick);
		const values = this.tree.get(prefix + MEASURE_COLUMNS[measure]), leaves = this.frames.leavesOf(frame), m = MEASURES.indexOf(measure);
		return values.reduce((total, value, leaf) => leaves[leaf] ? sum(total, partOf(value ?? 0, this.app.model.leafPart(leaf, m))) : total, 0);
	}

	tip(frame) {
		const { frames: tree } = this, about = this.about[frame] > 0 ? "about " : "", parent = tree.parents[frame], ns = this.sums.time[frame];
		const lines = [
			["FLOPs", about + grouped(this.exactWork(frame, "flops"))], ["calls", about + grouped(this.exactWork(frame, "calls"))], ns && ["time", time(ns)],
			["share", `${percent(this.part(frame))} of ${MEASURE_NAMES[state.weight]}`], parent > 0 && ["of its caller", percent(this.part(frame, parent))]];
		if (this.comparing) {
			const old = this.exactWork(frame, state.weight, "old_");
			lines.push(["before", state.weight === "time" ? time(old) : grouped(old)], ["change", old ? change(this.sums[state.weight][frame] / Number(old) - 1) : "new"]);
		}
		return { title: tree.names[frame], sub: tree.subs[frame], lines: lines.filter(Boolean) };
	}

	zoomTo(frame) {
		setState({ frame: frame === 0 || frame === state.frame ? null : frame });
		this.setFocus(frame);
	}

	setFocus(frame) {
		rove(this.box.querySelector("[tabindex='0']"), this.elements.get(frame));
	}

	key(event) {
		const frame = Number(event.target.dataset.frame), { frames: tree } = this, parent = tree.parents[frame], [inwards, outwards] = state.dir === "icicle" ? ["ArrowDown", "ArrowUp"] : ["ArrowUp", "ArrowDown"];
		const level = [...this.elements.keys()].filter(other => tree.depths[other] === tree.depths[frame]), at = level.indexOf(frame);
		const next = { [inwards]: this.bySize(tree.lists[frame])[0], [outwards]: parent, ArrowLeft: level[at - 1], ArrowRight: level[at + 1], Home: 0 };
		if (event.key in next)
			this.setFocus(next[event.key]);
		else if (event.key === "Enter" || event.key === " ")
			this.zoomTo(frame);
		else if (event.key === "c" && !event.ctrlKey && !event.metaKey)
			copy(String(this.exactWork(frame, state.weight)));
		else
			return;
		event.preventDefault();
	}

	/* Marks the frames whose names match, and says what part of the work is in or below them. */
	search() {
		const { frames: tree, widths } = this, pattern = state.q ? searchPattern(state.q) : null, matches = new Uint8Array(widths.length), inside = new Uint8Array(widths.length);
		let count = 0, matched = 0;
		for (let frame = 1; pattern && frame < matches.length; frame++) {
			const above = inside[tree.parents[frame]];
			matches[frame] = widths[frame] > 0 && pattern.test(`${tree.names[frame]} ${tree.subs[frame]}`);
			count += matches[frame];
			matched += matches[frame] && !above ? widths[frame] : 0;
			inside[frame] = matches[frame] | above;
		}
		this.box.classList.toggle("searched", Boolean(pattern));
		for (const [frame, element] of this.elements)
			element.classList.toggle("match", matches[frame] === 1);
		this.matches = [...this.elements.keys()].filter(frame => matches[frame]);
		byId("found").textContent = pattern ? `${plural(count, "frame")}, ${percent(matched / (widths[0] || 1))}` : "";
	}

	/* Moves the focus to the next frame that matches, or to the one before. */
	nextMatch(step) {
		const count = this.matches.length, at = this.matches.indexOf(Number(document.activeElement?.dataset?.frame ?? -1));
		if (count)
			this.setFocus(this.matches[(at + step + count + (at < 0 && step < 0)) % count]);
	}
}

const escaped = text => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/* A regular expression; of a text that is none, one that finds the text as it stands. */
function searchPattern(text) {
	try {
		return new RegExp(text, "i");
	} catch {
		return new RegExp(escaped(text), "i");
	}
}
