/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 50-roofline.js - the roofline: how fast shapes and routines were, over their FLOPs per byte, under what the machine can do.
 * It must never draw a roof that was not measured or given.
 */

const UNITS = { compute: "GFLOP/s", memory: "GB/s" };

class Roofline extends Plot {
	/* The points: what was timed and moves data. */
	found() {
		const { app } = this, key = state.dots, table = app.data.table(key);
		const [routines, flops, bytes, rates, calls, shapes] = ["routine", "flops", "minimal_bytes", "gflops", "calls", "arguments"].map(name => table.get(name));
		const work = app.workOf(key), points = [];
		let untimed = 0;
		for (let i = 0; i < table.rows; i++) {
			if (!Number(flops[i]))
				continue;
			if (!rates[i] || !Number(bytes[i])) {
				untimed += work[i].any;
				continue;
			}
			points.push({ i, ghost: !work[i].any, x: Number(flops[i]) / Number(bytes[i]), y: rates[i], routine: routines[i], part: ratio(flops[i], app.model.totals.flops),
				name: `${routines[i]} ${sizes(shapes[i] ?? [])}`, full: `${routines[i]} ${(shapes[i] ?? []).join(" ")}`, flops: flops[i], bytes: bytes[i], calls: calls[i] });
		}
		points.sort((a, b) => b.part - a.part || a.i - b.i);
		return { points, untimed };
	}

	draw() {
		const { app } = this, { points, untimed } = this.found(), roofs = app.data.meta.roofs ?? [];
		this.tools.replaceChildren(choice("Points", { shapes: "shapes", routines: "routines" }, state.dots, dots => setState({ dots })));
		this.note.replaceChildren("GFLOP/s of the timed calls over FLOPs per byte that a call must at least move. ",
			untimed ? `${plural(untimed, state.dots.slice(0, -1))} without a timed call or known traffic: not here. ` : "",
			points.length > POINTS_MAX ? `The largest ${grouped(POINTS_MAX)} of ${grouped(points.length)} are drawn. ` : "",
			roofs.length ? "" : make("span", "The roofs of the machine are not known: ", make("code", "flopshim-report peak"), " measures them."));
		this.legend.replaceChildren(...legendOf(app, points.map(point => point.routine)), ...roofs.map(roof => make("span", words(`${roof.name} ${real(roof.value)} ${UNITS[roof.kind]}`))));
		if (!points.length)
			return this.empty("No call was timed whose traffic is known.");
		const memory = roofs.filter(roof => roof.kind === "memory").sort((a, b) => a.value - b.value), compute = roofs.filter(roof => roof.kind === "compute");
		const best = Math.max(...compute.map(roof => roof.value), 0);
		this.axes([...points.map(point => point.x), ...memory.map(roof => best && best / roof.value)], [...points.map(point => point.y), ...compute.map(roof => roof.value)],
			"FLOPs per byte of minimal traffic", "GFLOP/s");
		this.roofs(memory, compute, best);
		this.put(points.slice(0, POINTS_MAX).map(point => ({
			...point, x: this.x.at(point.x), y: this.y.at(point.y), colour: app.colours.of(point.routine),
			chosen: state.dots === "shapes" ? state.shape === point.i : state.routine === point.routine,
			choose: () => state.dots === "shapes" ? toggle("shape", point.i) : toggle("routine", point.routine),
			tip: () => ({ title: point.full, lines: [["GFLOP/s", real(point.y)], ["FLOPs per byte", real(point.x)], ...this.ofRoof(point, memory, compute), ["FLOPs", grouped(point.flops)],
				["minimal bytes", grouped(point.bytes)], ["share", percent(point.part)], ["calls", grouped(point.calls)]] }),
		})));
	}

	/* What part a point reaches of the roofs: that of arithmetic in its precision, and that of memory. */
	ofRoof(point, memory, compute) {
		const precision = /^[sc]/.test(point.routine) ? "single" : "double", peak = compute.find(roof => roof.name === precision) ?? compute[0];
		return [peak && ["of the peak", percent(point.y / peak.value)], memory[0] && [`of ${memory[0].name}`, percent(point.y / (memory[0].value * point.x))]].filter(Boolean);
	}

	roofs(memory, compute, best) {
		const { x, y } = this, group = draw("g.roofs"), [x0, x1, y0, y1] = [x.low, x.high, y.low, y.high].map(power => 10 ** power);
		const fastest = memory.at(-1)?.value ?? 0;
		const add = (roof, ax, ay, bx, by, place) => group.append(tipOn(line(x.at(ax), y.at(ay), x.at(bx), y.at(by), roof.kind), { title: roof.name, lines: [[UNITS[roof.kind], real(roof.value)]] }),
			place ? write(0, 0, clean(roof.name), roof.kind === "memory" ? "start" : "end", { transform: place }) : "");
		for (const roof of compute)
			add(roof, Math.max(x0, Math.min(x1, roof.value / fastest)), roof.value, x1, roof.value, `translate(${this.right - 4} ${y.at(roof.value) - 5})`);
		/* Where the last name begins: names are written where they cover neither another nor the edge. */
		let below = Infinity;
		for (const roof of memory) {
			const from = Math.max(x0, y0 / roof.value), to = Math.min(x1, (best || y1) / roof.value), begin = y.at(from * roof.value);
			const angle = Math.atan2(y.at(to * roof.value) - begin, x.at(to) - x.at(from)), fits = below - begin > 15 && begin + Math.sin(angle) * 7 * roof.name.length > this.top;
			if (to > from)
				add(roof, from, from * roof.value, to, to * roof.value, fits && `translate(${x.at(from) + 8} ${begin - 6}) rotate(${(angle * 180 / Math.PI).toFixed(1)})`);
			below = fits ? begin : below;
		}
		this.svg.append(group);
	}
}

/* The sizes of a shape without their names, as one says them: 300 × 400 × 200. Options are left out. */
function sizes(shape) {
	const numbers = shape.map(text => /=(\d+)$/.exec(text)?.[1]).filter(Boolean);
	return numbers.length ? numbers.join("×") : shape.join(" ");
}
