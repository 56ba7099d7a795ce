/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 55-map.js - the map of shapes: m, n and k of products, and n of all else, by their work.
 * It must never guess a size that the arguments do not have: where a routine has one size for two, both are that one.
 */

const DEPTHS = 6;

/* m, n and k of the arguments of a shape; of a square matrix m is n. k is null where there is none. */
function extents(shape) {
	const number = name => {
		const text = shape?.find(argument => argument.startsWith(name));
		return text && /^\d+$/.test(text.slice(2)) ? Number(text.slice(2)) : null;
	};
	const n = number("n=") ?? number("m="), m = number("m=") ?? n, k = number("k=");
	return { m, n, k };
}

/* Whether a routine multiplies: it has a k, or it is one of those whose k is another of its sizes. */
const isProduct = (routine, { m, n, k }) => m !== null && n !== null && (k !== null && /mm|rk|r2k|fr/.test(routine) || /(sy|he|tr)mm|gemv|ger[uc]?$/.test(routine));

class ShapeMap extends Plot {
	found(products) {
		const { app } = this, table = app.data.table("shapes"), routines = table.get("routine"), shapes = table.get("arguments"), work = app.workOf("shapes");
		const whole = table.get(MEASURE_COLUMNS[state.weight]), points = [], values = Float64Array.from(work, (part, i) => Number((part.any ? part[state.weight] : whole[i]) ?? 0));
		const total = values.reduce((all, value) => all + value, 0), order = Uint32Array.from(values, (_, i) => i).sort((a, b) => values[b] - values[a] || a - b);
		for (const i of order) {
			if (!values[i] || points.length > POINTS_MAX)
				break;
			const size = extents(shapes[i]);
			if (size.n > 0 && size.m > 0 && isProduct(routines[i], size) === products)
				points.push({ i, ...size, ghost: !work[i].any, value: values[i], part: values[i] / total, routine: routines[i], name: `${routines[i]} ${sizes(shapes[i])}`,
					tip: () => ({ title: `${routines[i]} ${shapes[i].join(" ")}`, lines: workLines(work[i], app.model.totals.flops) }) });
		}
		return points;
	}

	draw() {
		const best = this.found(true), others = this.found(false), workOf = points => points.reduce((all, point) => all + (point.ghost ? 0 : point.value), 0);
		/* Unless somebody has chosen, the kind with more work is shown. */
		const products = (state.kinds || (workOf(best) >= workOf(others) ? "products" : "others")) === "products", points = products ? best : others;
		this.tools.replaceChildren(choice("Area of a point", MEASURE_NAMES, state.weight, weight => setState({ weight })), choice("Routines", { products: "products", others: "all others" }, products ? "products" : "others", kinds => setState({ kinds })));
		const note = `${products ? "Products of matrices and vectors by m and n; the darker, the larger k." : "Factorizations, solvers and all else by n."}`;
		this.note.textContent = points.length > POINTS_MAX ? `${note} Only the largest ${grouped(POINTS_MAX)} are drawn.` : note;
		this.legend.replaceChildren();
		if (!points.length)
			return this.empty(products ? "No product of matrices has such work." : "No other routine with a size has such work.");
		if (products)
			this.drawProducts(points);
		else
			this.drawLanes(points);
	}

	/* What a point needs beside its place. */
	finish(point, more) {
		return { ...point, ...more, chosen: state.shape === point.i, choose: () => toggle("shape", point.i) };
	}

	drawProducts(points) {
		const depth = point => Math.max(1, point.k ?? 1);
		this.height = 400;
		this.axes(points.map(point => point.n), points.map(point => point.m), "n", "m");
		/* As many steps as there are values of k; if these are more, steps of equal ratios. */
		const known = [...new Set(points.map(depth))].sort((a, b) => a - b), least = known[0], ratio = (known.at(-1) / least) ** (1 / DEPTHS);
		const bounds = known.length <= DEPTHS ? known : [...new Set(Array.from({ length: DEPTHS }, (_, i) => Math.round(least * ratio ** i)))];
		const step = k => bounds.findLastIndex(bound => bound <= k), look = i => `k${bounds.length > 1 ? Math.round(i * (DEPTHS - 1) / (bounds.length - 1)) : DEPTHS - 2}`;
		this.put(points.map(point => this.finish(point, { x: this.x.at(point.n), y: this.y.at(point.m), colour: this.app.colours.of(point.routine), className: look(step(depth(point))) })));
		this.legend.append(make("span", "k"), ...bounds.map((bound, i) => make("span", make("i", { class: `swatch ${look(i)}` }), grouped(bound), bounds === known ? "" : "+")),
			...legendOf(this.app, points.map(point => point.routine)));
	}

	/* A lane for each of the routines with the most work. */
	drawLanes(points) {
		const sums = new Map();
		for (const point of points)
			sums.set(point.routine, (sums.get(point.routine) ?? 0) + point.value);
		const lanes = [...sums].sort((a, b) => b[1] - a[1]).slice(0, 12).map(item => item[0]);
		this.height = Math.max(200, 58 + 42 * lanes.length);
		this.axes(points.map(point => point.n), null, "n");
		const laneY = lane => this.top + (lane + 0.5) * (this.bottom - this.top) / lanes.length;
		lanes.forEach((name, lane) => this.axis.append(line(this.left, laneY(lane), this.right, laneY(lane)), write(this.left - 10, laneY(lane) + 4, shorten(clean(name), 11), "end", { class: "lane" })));
		const shown = points.filter(point => lanes.includes(point.routine));
		this.put(shown.map(point => this.finish(point, { name: `n=${grouped(point.n)}${point.m !== point.n ? ` m=${grouped(point.m)}` : ""}`, x: this.x.at(point.n), y: laneY(lanes.indexOf(point.routine)), colour: this.app.colours.of(point.routine) })));
		if (lanes.length < sums.size)
			this.legend.append(make("span", `${plural(sums.size - lanes.length, "routine")} with less work not drawn`));
	}
}
