/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * roofline.c - draws points and roofs on two logarithmic axes.
 * It must never use a style: the page's policy allows none that stands beside an element.
 */
#include "analyzer/render/html/roofline.h"

#include <math.h>
#include <stdio.h>

#include "analyzer/render/html/static.h"

enum {
	WIDTH = 720,
	HEIGHT = 400,
	LEFT = 60,
	BOTTOM = 350,
	RIGHT = 700,
	TOP = 20,
	NAMED = 8,   /* points with a name beside them */
	LABELS = 14, /* pixels between two names */
};

/* The powers of ten that an axis begins and ends with. */
struct axis {
	int least, most;
};

struct drawing {
	struct text *html;
	struct axis x, y;
};

static void widen(struct axis *axis, double value)
{
	int below = (int)floor(log10(value)), above = (int)ceil(log10(value));

	axis->least = below < axis->least ? below : axis->least;
	axis->most = above > axis->most ? above : axis->most;
}

static double across(const struct drawing *drawing, double value)
{
	return LEFT + (log10(value) - drawing->x.least) / (drawing->x.most - drawing->x.least) * (RIGHT - LEFT);
}

static double down(const struct drawing *drawing, double value)
{
	return BOTTOM - (log10(value) - drawing->y.least) / (drawing->y.most - drawing->y.least) * (BOTTOM - TOP);
}

static void add_line(const struct drawing *drawing, double x1, double y1, double x2, double y2, const char *opacity)
{
	text_format(drawing->html,
	            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"currentColor\" opacity=\"%s\"/>\n",
	            x1, y1, x2, y2, opacity);
}

static void add_label(const struct drawing *drawing, double x, double y, const char *anchor, const char *text)
{
	text_format(drawing->html, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
	html_add_escaped(drawing->html, text);
	text_add(drawing->html, "</text>\n");
}

static void add_axes(const struct drawing *drawing)
{
	char number[32];

	for (int power = drawing->x.least; power <= drawing->x.most; power++) {
		double x = across(drawing, pow(10, power));

		snprintf(number, sizeof number, "%g", pow(10, power));
		add_line(drawing, x, TOP, x, BOTTOM, "0.2");
		add_label(drawing, x, BOTTOM + LABELS + 2, "middle", number);
	}
	for (int power = drawing->y.least; power <= drawing->y.most; power++) {
		double y = down(drawing, pow(10, power));

		snprintf(number, sizeof number, "%g", pow(10, power));
		add_line(drawing, LEFT, y, RIGHT, y, "0.2");
		add_label(drawing, LEFT - 6, y + 4, "end", number);
	}
	add_label(drawing, (LEFT + RIGHT) / 2.0, HEIGHT - 8, "middle", "FLOPs per byte of the least memory traffic");
	add_label(drawing, LEFT, TOP - 8, "start", "GFLOP/s");
}

/* Draws a roof as far as it is in the drawing: level for GFLOP/s, and rising with the intensity for GB/s. */
static void add_roof(const struct drawing *drawing, const struct roofline_roof *roof)
{
	double least = pow(10, drawing->x.least), most = pow(10, drawing->x.most);
	double floor = pow(10, drawing->y.least), ceiling = pow(10, drawing->y.most);
	double begin = roof->is_memory && least * roof->value < floor ? floor / roof->value : least;
	double end = roof->is_memory && most * roof->value > ceiling ? ceiling / roof->value : most;
	double from = roof->is_memory ? begin * roof->value : roof->value;
	double to = roof->is_memory ? end * roof->value : roof->value;

	if (begin >= end)
		return;
	add_line(drawing, across(drawing, begin), down(drawing, from), across(drawing, end), down(drawing, to), "0.8");
	add_label(drawing, roof->is_memory ? across(drawing, begin) + 6 : RIGHT - 4, down(drawing, from) - 5,
	          roof->is_memory ? "start" : "end", roof->name);
}

static void add_point(const struct drawing *drawing, const struct roofline_point *point, bool named)
{
	double x = across(drawing, point->intensity), y = down(drawing, point->gflops);

	text_format(drawing->html, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"#0072b2\"><title>", x, y);
	html_add_escaped(drawing->html, point->name);
	text_format(drawing->html, ": %.4g GFLOP/s, %.4g FLOPs per byte</title></circle>\n", point->gflops,
	            point->intensity);
	if (named)
		add_label(drawing, x > (LEFT + RIGHT) / 2.0 ? x - 8 : x + 8, y - 6,
		          x > (LEFT + RIGHT) / 2.0 ? "end" : "start", point->name);
}

/* Whether a name beside this point would lie over that of an earlier one. */
static bool is_covered(const struct drawing *drawing, const struct roofline *roofline, size_t number)
{
	const struct roofline_point *point = &roofline->points[number];

	for (size_t i = 0; i < number && i < NAMED; i++)
		if (fabs(down(drawing, roofline->points[i].gflops) - down(drawing, point->gflops)) < LABELS &&
		    fabs(across(drawing, roofline->points[i].intensity) - across(drawing, point->intensity)) <
		            WIDTH / 3.0)
			return true;
	return false;
}

void roofline_add(struct text *html, const struct roofline *roofline)
{
	struct drawing drawing = {.html = html, .x = {0, 1}, .y = {0, 1}};

	if (!roofline->point_count)
		return;
	for (size_t i = 0; i < roofline->point_count; i++) {
		widen(&drawing.x, roofline->points[i].intensity);
		widen(&drawing.y, roofline->points[i].gflops);
	}
	for (size_t i = 0; i < roofline->roof_count; i++)
		if (!roofline->roofs[i].is_memory)
			widen(&drawing.y, roofline->roofs[i].value);
	text_format(html,
	            "<section><h2>Roofline</h2>\n<svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" "
	            "aria-label=\"GFLOP/s over FLOPs per byte\" font-size=\"11\" fill=\"currentColor\">\n",
	            WIDTH, HEIGHT, WIDTH, HEIGHT);
	add_axes(&drawing);
	for (size_t i = 0; i < roofline->roof_count; i++)
		add_roof(&drawing, &roofline->roofs[i]);
	for (size_t i = 0; i < roofline->point_count; i++)
		add_point(&drawing, &roofline->points[i], i < NAMED && !is_covered(&drawing, roofline, i));
	text_add(html, "</svg>\n");
	if (!roofline->roof_count)
		text_add(html, "<p>No roofs are drawn: what the machine can do at most is not known. 'flopshim-report "
		               "peak' measures it.</p>\n");
	text_add(html, "</section>\n");
}
