/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * page_data.h - by what a reader knows the data in a page: docs/page.md describes the rest.
 * It must never change without a new number in PAGE_DATA_BEGIN, by which an older reader refuses the page.
 */
#ifndef ANALYZER_PAGE_DATA_H
#define ANALYZER_PAGE_DATA_H

/* What every page begins with, the tag that the base64 stands behind, and what the inflated data begins with. */
#define PAGE_BEGIN      "<!DOCTYPE html>"
#define PAGE_DATA_TAG   "<script type=\"application/octet-stream\" id=\"flopshim-data\">"
#define PAGE_DATA_NAME  "flopshim-page "
#define PAGE_DATA_BEGIN PAGE_DATA_NAME "1\n"

#endif
