# SPDX-License-Identifier: BSD-3-Clause
"""Numbers and tables as people read them, for reports and for %flops.

It must never be where a program gets a number from: texts are rounded.
"""

import html

TOP = 10  # rows that a table shows
BAR = 6   # width of the bar of the whole, in em


def shape(arguments):
    """The dimensions and options of a call: "m=100 n=50 k=200"."""
    return " ".join(f"{name}={value}" for name, value in (arguments or {}).items())


def number(value):
    """A count in four digits with its unit, as flopshim-report shows it: "8.001 M"."""
    if value is None:
        return ""
    for power, unit in ((18, "E"), (15, "P"), (12, "T"), (9, "G"), (6, "M")):
        if value >= 10**power:
            part = value / 10**power
            return f"{part:.{3 if part < 10 else 2 if part < 100 else 1}f} {unit}" if part < 10000 else f"{value:.3e}"
    return f"{value:,}"


def rate(gflops):
    """10^9 FLOPs per second, in three digits."""
    return "" if gflops is None else f"{gflops:.3g}" if gflops < 1000 else f"{gflops:,.0f}"


def seconds(value):
    """A time in three digits with its unit."""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if value * factor >= 1:
            return f"{value * factor:.3g} {unit}" if value * factor < 1000 else f"{value * factor:,.0f} {unit}"
    return f"{value * 1e9:.3g} ns"


def table(heads, rows, left):
    """Lines of a table of texts. The first `left` columns are aligned to the left, and the others to the right."""
    widths = [max(map(len, column)) for column in zip(heads, *rows)]
    for row in [heads, *rows]:
        yield "  ".join(cell.ljust(width) if i < left else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))).rstrip()


def _cell(value, is_left):
    if isinstance(value, (int, float)):  # a share: a bar that needs no colour of its own
        text = (f'<span style="display:inline-block;width:4em;text-align:right">{100 * value:.1f} %</span> '
                f'<span style="display:inline-block;width:{BAR * min(max(value, 0), 1):.2f}em;height:.7em;'
                'background:currentColor;opacity:.35"></span>')
        is_left = True
    else:
        text = html.escape(value or "")
    return f'<td style="{_style(is_left)}">{text}</td>'


def _style(is_left):
    return (f"text-align:{'left' if is_left else 'right'};padding:.1em .7em .1em 0;white-space:nowrap;"
            "font-variant-numeric:tabular-nums")


def html_table(title, parts):
    """A heading, and a table for each (name, columns that are aligned to the left, heads, rows) that has rows. A cell is a
    text, or a number for a share."""
    lines = [f"<div><p><b>{html.escape(title)}</b></p>"]
    for name, left, heads, rows in parts:
        if not rows:
            continue
        lines.append(f"<details open><summary>{html.escape(name)}</summary><table><thead><tr>")
        lines += [f'<th style="{_style(i < left)}">{html.escape(head)}</th>' for i, head in enumerate(heads)]
        lines.append("</tr></thead><tbody>")
        lines += ["<tr>" + "".join(_cell(value, i < left) for i, value in enumerate(row)) + "</tr>" for row in rows[:TOP]]
        lines.append("</tbody></table>")
        if len(rows) > TOP:
            lines.append(f"<p>... and {len(rows) - TOP:,} more</p>")
        lines.append("</details>")
    return "\n".join([*lines, "</div>"])
