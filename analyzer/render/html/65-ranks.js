/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 65-ranks.js - how evenly the work lies on ranks or processes: a bar for each.
 * It must never hide a rank among others: where there is no room for a bar each, the least and the most of a group are drawn.
 */

class Ranks extends Plot {
	constructor(app) {
		const list = app.data.table("process_list"), ranks = list.get("rank"), hasRanks = ranks.some(rank => rank !== null);
		super(app, "ranks", hasRanks ? "Ranks" : "Processes");
		/* Processes by rank, or as they are listed where they have none. */
		Object.assign(this, { list, ranks, at: 0, height: 206, order: ranks.map((_, i) => i).sort((a, b) => (ranks[a] ?? Infinity) - (ranks[b] ?? Infinity) || a - b) });
		this.element.hidden = list.rows < 2;
		this.svg.tabIndex = 0;
		this.svg.addEventListener("pointermove", event => this.point(Math.floor((event.clientX - this.svg.getBoundingClientRect().left - this.left) / this.step)));
		tipOn(this.svg, () => this.tip());
	}

	text(value) {
		return state.ranks === "time" ? time(value) : short(value);
	}

	draw() {
		if (this.list.rows < 2)
			return;
		const key = state.ranks === "time" ? "estimated_time_ns" : "flops", column = this.list.get(key), values = this.values = this.order.map(row => Number(column[row] ?? 0)), count = values.length;
		this.clear(74);
		const { left, bottom, right } = this, most = this.most = Math.max(...values, 1), mean = this.mean = values.reduce((a, b) => a + b, 0) / count;
		this.groups = Math.min(count, Math.floor((right - left) / 2));
		this.step = Math.min(110, (right - left) / this.groups);
		const y = value => bottom - value / most * (bottom - 14), gap = this.step > 5 ? 1 : 0, end = left + this.groups * this.step;
		const bars = pick => Array.from({ length: this.groups }, (_, group) => {
			const x = left + group * this.step;
			return `M${x.toFixed(1)} ${bottom}V${y(pick(...this.members(group).map(i => values[i]))).toFixed(1)}H${(x + this.step - gap).toFixed(1)}V${bottom}Z`;
		}).join("");
		this.axis.append(...[0, most / 2, most].flatMap(value => [line(left, y(value), right, y(value)), write(left - 8, y(value) + 4, value ? this.text(value) : "0", "end")]),
			line(left, y(mean), end, y(mean), "mean"), write(left, bottom + 18, this.nameOf(0), "start"), count > 3 ? write(end, bottom + 18, this.nameOf(count - 1), "end") : "");
		this.cursor = draw("rect.cursor", { y: 8, height: bottom - 8, width: Math.max(2, this.step), x: -99 });
		this.svg.prepend(draw("path.bars.high", { d: bars(Math.max) }), draw("path.bars", { d: bars(Math.min) }));
		this.svg.append(this.cursor);
		this.svg.setAttribute("aria-label", `${state.ranks === "time" ? "Time" : "FLOPs"} of ${grouped(count)} bars: mean ${this.text(mean)}, most ${this.text(most)}. Arrow keys read them.`);
		this.tools.replaceChildren(choice("Height of a bar", { flops: "FLOPs", time: "time" }, state.ranks, ranks => setState({ ranks })));
		this.note.textContent = `${this.imbalance()}${this.groups < count ? " A bar stands for several: the pale part is between the least and the most of them." : ""}`;
	}

	imbalance() {
		const { values, mean } = this, most = Math.max(...values), least = Math.min(...values), which = value => this.nameOf(values.indexOf(value));
		if (most === least)
			return mean ? "All have done the same." : "";
		return `The most is ${change(most / mean - 1)} against the mean: ${which(most)}; the least ${change(least / mean - 1)}: ${which(least)}.`;
	}

	/* The processes, in the order of the chart, that share a bar. */
	members(group) {
		const first = Math.floor(group * this.values.length / this.groups), end = Math.floor((group + 1) * this.values.length / this.groups);
		return Array.from({ length: end - first }, (_, i) => first + i);
	}

	nameOf(i) {
		const row = this.order[i];
		return this.ranks[row] !== null ? `rank ${this.ranks[row]}` : `pid ${this.list.get("pid")[row] ?? "?"}`;
	}

	point(group) {
		this.at = Math.max(0, Math.min(this.groups - 1, group));
		this.cursor.setAttribute("x", this.left + this.at * this.step);
		byId("tip").target = null;
	}

	key(event) {
		const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key], box = this.svg.getBoundingClientRect();
		if (!step)
			return;
		this.point(this.at + step);
		showTip(this.svg, box.left + this.left + this.at * this.step, box.top + 60);
		say(byId("tip").textContent);
		event.preventDefault();
	}

	tip() {
		const members = this.members(this.at), values = members.map(i => this.values[i]), row = this.order[members[0]];
		const value = (key, format) => { const known = this.list.get(key)[row]; return known === null ? "?" : format(known); };
		if (members.length > 1)
			return { title: `${this.nameOf(members[0])} to ${this.nameOf(members.at(-1))}`, lines: [["least", this.text(Math.min(...values))], ["most", this.text(Math.max(...values))]] };
		return { title: this.nameOf(members[0]), sub: `on ${value("host", String)}`, lines: [["FLOPs", value("flops", grouped)], ["calls", value("calls", grouped)], ["time", value("estimated_time_ns", time)]] };
	}
}
