/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 45-plot.js - what the charts share: colours of routines, logarithmic axes, and points that can be pointed at and focused.
 * It must never tell things apart by colour alone: each colour goes with a form.
 */

const COLOURS = 7, POINTS_MAX = 1500, LABELS_MAX = 9;

/* The routines with the most work have a colour and a form each, the same in all charts; the others share one. */
class Colours {
	constructor(data) {
		const routines = data.table("routines"), flops = routines.get("flops");
		const order = routines.get("routine").map((name, i) => [name, Number(flops[i])]).filter(item => item[1] > 0).sort((a, b) => b[1] - a[1]);
		this.names = order.slice(0, COLOURS).map(item => item[0]);
		this.index = new Map(this.names.map((name, i) => [name, i]));
	}

	of(name) {
		return this.index.get(name) ?? COLOURS;
	}
}

/* The form of a point of area 4 r², around 0, 0. */
function form(index, r) {
	const lines = points => `M${points.map(point => point.map(x => (x * r).toFixed(2)).join(" ")).join("L")}Z`;
	switch (index) {
	case 1: return lines([[-.9, -.9], [.9, -.9], [.9, .9], [-.9, .9]]);
	case 2: return lines([[0, -1.25], [1.15, .85], [-1.15, .85]]);
	case 3: return lines([[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]]);
	case 4: return lines([[0, 1.25], [1.15, -.85], [-1.15, -.85]]);
	case 5: return lines([[-.4, -1.2], [.4, -1.2], [.4, -.4], [1.2, -.4], [1.2, .4], [.4, .4], [.4, 1.2], [-.4, 1.2], [-.4, .4], [-1.2, .4], [-1.2, -.4], [-.4, -.4]]);
	case 6: return lines([[-.6, -1.05], [.6, -1.05], [1.2, 0], [.6, 1.05], [-.6, 1.05], [-1.2, 0]]);
	default: return `M${-r} 0A${r} ${r} 0 1 1 ${r} 0A${r} ${r} 0 1 1 ${-r} 0Z`;
	}
}

const mark = index => draw("svg.mark", { viewBox: "-8 -8 16 16", "aria-hidden": "true" }, draw("path", { class: `point c${index}`, d: form(index, 5.5) }));

/* A logarithmic scale from the values onto `from` to `to`. There is some room at its ends. */
class LogScale {
	constructor(values, from, to) {
		let least = Infinity, most = 0;
		for (const value of values)
			if (value > 0 && value < Infinity)
				[least, most] = [Math.min(least, value), Math.max(most, value)];
		if (!most)
			[least, most] = [1, 10];
		const room = Math.max(0.06 * Math.log10(most / least), 0.12);
		this.low = Math.log10(least) - room;
		this.high = Math.log10(most) + room;
		Object.assign(this, { from, to });
	}

	at(value) {
		return this.from + (Math.log10(value) - this.low) / (this.high - this.low) * (this.to - this.from);
	}

	/* Where to write numbers: powers of ten, with 2 and 5 times them where there is room. */
	get ticks() {
		const span = this.high - this.low, steps = span < 1.6 ? [1, 2, 5] : span < 3 ? [1, 3] : [1], ticks = [];
		const every = Math.ceil(span / 7);
		for (let power = Math.floor(this.low); power <= this.high; power++)
			for (const step of steps) {
				const place = power + Math.log10(step);
				if (place >= this.low && place <= this.high && power % every === 0)
					ticks.push(step * 10 ** power);
			}
		return ticks;
	}
}

const tickText = value => value >= 1e4 ? short(value).replace(/\.?0+ /, " ").replace(/\.0+$/, "") : String(Number(value.toPrecision(2)));

/* A text of a chart. */
const write = (x, y, text, anchor = "middle", more = {}) => draw("text", { x, y, "text-anchor": anchor, ...more }, text);
const line = (x1, y1, x2, y2, look) => draw("line", { x1, y1, x2, y2, class: look });

/* A section with a chart, whose points can be pointed at, focused and chosen. `draw` of a class that extends it fills it. */
class Plot {
	constructor(app, id, title) {
		Object.assign(this, { app, height: 400 }, section(id, title));
		this.svg = draw("svg.plot", { role: "group", "aria-label": `${title}; arrow keys move, Enter selects`, onkeydown: event => this.key(event) });
		this.box = make("div.plot-box", this.svg);
		this.element.append(this.box, this.legend = make("div.legend"));
		/* Drawn again when its width changes: texts keep their size. */
		new ResizeObserver(() => Math.abs(this.width - this.measured()) > 2 && this.draw()).observe(this.box);
	}

	measured() {
		return Math.max(280, this.box.clientWidth || 560);
	}

	/* Empties the chart, and makes the frame of its axes. */
	clear(left, more = []) {
		Object.assign(this, { width: this.measured(), left, top: 14, bottom: this.height - 44, points: [], taken: [] });
		this.right = this.width - 14;
		this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
		this.svg.replaceChildren(this.axis = draw("g.axis", { "aria-hidden": "true" }, more));
	}

	axes(xs, ys, xTitle, yTitle) {
		this.clear(ys ? 56 : 84);
		const { left, right, top, bottom } = this;
		this.x = new LogScale(xs, left, right);
		this.axis.append(write((left + right) / 2, this.height - 6, xTitle));
		for (const tick of this.x.ticks)
			this.axis.append(line(this.x.at(tick), top, this.x.at(tick), bottom), write(this.x.at(tick), bottom + 17, tickText(tick)));
		if (!ys)
			return;
		this.y = new LogScale(ys, bottom, top);
		this.axis.append(write(0, 0, yTitle, "middle", { transform: `translate(13 ${(top + bottom) / 2}) rotate(-90)` }));
		for (const tick of this.y.ticks)
			this.axis.append(line(left, this.y.at(tick), right, this.y.at(tick)), write(left - 8, this.y.at(tick) + 4, tickText(tick), "end"));
	}

	/*
	 * Draws points { x, y (in pixels), part (of all work), colour, filled, name, tip, chosen, choose }: the largest first, so
	 * that small ones lie above them. The first few get their names where there is room.
	 */
	put(points) {
		const group = draw("g.points"), names = draw("g.names", { "aria-hidden": "true" });
		for (const point of points.slice(0, POINTS_MAX)) {
			const r = 3.2 + 15 * Math.sqrt(Math.min(1, point.part));
			const element = tipOn(draw("g", {
				class: `dot${point.chosen ? " chosen" : point.ghost ? " ghost" : ""}`, transform: `translate(${point.x.toFixed(1)} ${point.y.toFixed(1)})`, tabindex: "-1", role: "button",
				"aria-label": clean(`${point.name}: ${point.tip().lines.map(line => line.join(" ")).join(", ")}`), "aria-pressed": Boolean(point.chosen), onclick: point.choose,
			}, draw("path", { class: `point ${point.className ?? `c${point.colour}`}`, d: form(point.colour, r) })), point.tip);
			group.append(element);
			this.points.push(element);
			this.taken.push([point.x - r, point.y - r, point.x + r, point.y + r]);
		}
		for (const point of points.filter(other => !other.ghost).slice(0, LABELS_MAX))
			this.name(names, point);
		const first = this.points.find(point => !point.matches(".ghost")) ?? this.points[0];
		if (first)
			first.tabIndex = 0;
		this.svg.append(group, names);
	}

	/* Writes a point's name beside it, on a side where it covers no other name and stays within the chart. */
	name(group, point) {
		const text = shorten(clean(point.name), 30), width = text.length * 7, r = 6 + 15 * Math.sqrt(Math.min(1, point.part));
		for (const [anchor, dx, dy] of [["start", r, 4], ["end", -r, 4], ["middle", 0, -r - 3], ["middle", 0, r + 11]]) {
			const y = point.y + dy, x = point.x + dx - { start: 0, middle: width / 2, end: width }[anchor], box = [x, y - 10, x + width, y + 3];
			if (x < this.left || x + width > this.right + 12 || y < this.top + 8 || y > this.bottom - 2)
				continue;
			if (this.taken.some(other => other !== point && box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]))
				continue;
			this.taken.push(box);
			return group.append(write(point.x + dx, y, text, anchor));
		}
	}

	key(event) {
		const dot = event.target.closest(".dot"), step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
		if (step)
			rove(dot, this.points[this.points.indexOf(dot) + step]);
		else if (event.key === "Enter" || event.key === " ")
			dot?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
		else
			return;
		event.preventDefault();
	}

	empty(text) {
		Object.assign(this, { width: this.measured(), points: [] });
		this.svg.setAttribute("viewBox", `0 0 ${this.width} 200`);
		this.svg.replaceChildren(write(this.width / 2, 104, text, "middle", { class: "empty" }));
	}
}

/* The colours of the routines that a chart shows. */
function legendOf(app, names) {
	const shown = [...new Set(names.map(name => app.colours.of(name)))].sort();
	return shown.map(index => button([mark(index), index === COLOURS ? "others" : words(app.colours.names[index], 30)], () => toggle("routine", app.colours.names[index]),
		{ class: "key", disabled: index === COLOURS, "aria-pressed": state.routine !== null && app.colours.of(state.routine) === index }));
}
