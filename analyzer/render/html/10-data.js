/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 10-data.js - reads the page's own data: base64 of deflated columns, which the report has written.
 * It must never decode a column before somebody asks for it: a page of 100,000 rows opens fast because of that.
 */
"use strict";

const FIRST_LINE = "flopshim-page 1\n";

/* Returns the bytes that the text of an element holds. */
async function inflated(base64) {
	const bytes = Uint8Array.fromBase64?.(base64) ?? Uint8Array.from(atob(base64), character => character.charCodeAt(0));
	const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
	return new Uint8Array(await new Response(stream).arrayBuffer());
}

/* Adds two integers. The sum is a BigInt only where a Number would not hold it exactly. */
function sum(a, b) {
	if (typeof a === "number" && typeof b === "number" && Number.isSafeInteger(a + b))
		return a + b;
	const both = BigInt(a) + BigInt(b);
	return Number.isSafeInteger(Number(both)) ? Number(both) : both;
}

/* Reads numbers of any size, seven bits a byte, the lowest first. */
class Reader {
	constructor(bytes, at) {
		this.bytes = bytes;
		this.at = at;
	}

	unsigned() {
		let value = 0, scale = 1;
		for (let i = 0; i < 7; i++, scale *= 128) {
			const byte = this.bytes[this.at++];
			value += (byte & 127) * scale;
			if (byte < 128)
				return value;
		}
		let big = BigInt(value), shift = 49n, byte;
		do {
			byte = this.bytes[this.at++];
			big |= BigInt(byte & 127) << shift;
			shift += 7n;
		} while (byte >= 128);
		return big;
	}

	/* A difference: 0, -1, 1, -2, 2 ... are written as 0, 1, 2, 3, 4 ... */
	signed() {
		const value = this.unsigned();
		if (typeof value === "number")
			return value % 2 ? -(value + 1) / 2 : value / 2;
		return value & 1n ? -((value + 1n) >> 1n) : value >> 1n;
	}
}

/* The values of a column, decoded when first asked for. A value that is not known is null. */
class Column {
	constructor(data, table, head) {
		Object.assign(this, head, { data, table, flags: new Set(head.flags) });
	}

	/* Returns a bitmap's test, and moves the reader behind the bitmap. */
	bits(reader, there) {
		const at = reader.at;
		if (!there)
			return () => false;
		reader.at += Math.ceil(this.table.rows / 8);
		return row => (this.data.bytes[at + (row >> 3)] >> (row & 7) & 1) === 1;
	}

	get values() {
		const reader = new Reader(this.data.bytes, this.data.start + this.at), values = new Array(this.table.rows);
		const isNull = this.bits(reader, this.nulls), isAbout = this.bits(reader, this.estimated);
		const next = this.decoder(reader);
		for (let row = 0; row < values.length; row++)
			values[row] = isNull(row) ? null : next();
		Object.defineProperty(this, "values", { value: values });
		this.isAbout = isAbout;
		return values;
	}

	/* Returns a function that returns the next value which is known. */
	decoder(reader) {
		const view = new DataView(new ArrayBuffer(8)), strings = this.data.strings;
		let before = 0;
		/* Numbers are differences modulo 2^128, which only the largest numbers notice. */
		const number = () => (before = sum(before, reader.signed())) < 0 ? before = BigInt.asUintN(128, BigInt(before)) : before;
		switch (this.encoding) {
		/* By the upper 44 bits of a double. */
		case "real": return () => {
			const bits = number();
			view.setUint32(0, Math.floor(bits / 4096));
			view.setUint32(4, bits % 4096 * 2 ** 20);
			return view.getFloat64(0);
		};
		case "text": return () => strings.at(number());
		case "list": return () => {
			const list = new Array(reader.unsigned());
			for (let i = 0; i < list.length; i++)
				list[i] = strings.at(number());
			return list;
		};
		default: return number;
		}
	}

	/* Whether people see a ~ before the value of a row. */
	about(row) {
		return this.estimated && this.values && this.isAbout(row);
	}

	isNumeric() {
		return !["text", "shape", "list", "stack", "bool"].includes(this.kind);
	}
}

class Table {
	constructor(data, head) {
		this.key = head.key;
		this.title = head.title;
		this.rows = head.rows;
		this.columns = head.columns.map(column => new Column(data, this, column));
		this.byKey = new Map(this.columns.map(column => [column.key, column]));
	}

	/* The values of a column; of one that is not there, each is null. */
	get(key) {
		return this.byKey.get(key)?.values ?? new Array(this.rows).fill(null);
	}

	has(key) {
		return this.byKey.has(key);
	}
}

/* The texts of a page. Those that are ASCII, nearly all, are parts of one text, which is quicker than decoding each. */
class Strings {
	constructor(data, head) {
		const at = head ? data.start + head.columns[0].at : 0, reader = new Reader(data.bytes, at);
		Object.assign(this, { bytes: data.bytes, at0: at, texts: new Array(head?.rows ?? 0), decoder: new TextDecoder() });
		this.plain = new TextDecoder("latin1").decode(data.bytes.subarray(at, at + (head?.columns[0].bytes ?? 0)));
		this.begins = new Uint32Array(this.texts.length);
		this.ends = this.begins.map((_, i) => {
			const length = reader.unsigned();
			this.begins[i] = reader.at;
			return reader.at += length;
		});
	}

	at(index) {
		return this.texts[index] ??= this.textAt(this.begins[index], this.ends[index]);
	}

	textAt(begin, end) {
		const text = this.plain.slice(begin - this.at0, end - this.at0);
		return /^[\0-\x7f]*$/.test(text) ? text : this.decoder.decode(this.bytes.subarray(begin, end));
	}
}

/* Returns what the page holds: { meta, tables: Map, table(key) }. */
async function readData(element) {
	const bytes = await inflated(element.textContent);
	const first = new TextDecoder().decode(bytes.subarray(0, FIRST_LINE.length));
	if (first !== FIRST_LINE)
		throw new Error(`the data begin with ${JSON.stringify(first)}; expected ${JSON.stringify(FIRST_LINE)}`);
	const end = bytes.indexOf(10, FIRST_LINE.length);
	const head = JSON.parse(new TextDecoder().decode(bytes.subarray(FIRST_LINE.length, end)));
	const data = { bytes, start: end + 1, meta: head.meta, tables: new Map() };
	data.strings = new Strings(data, head.tables.find(table => table.key === "strings"));
	for (const table of head.tables)
		if (table.key !== "strings")
			data.tables.set(table.key, new Table(data, table));
	data.table = key => data.tables.get(key) ?? new Table(data, { key, title: key, rows: 0, columns: [] });
	return data;
}
