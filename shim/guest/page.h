/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * page.h - pages and addresses of this machine.
 * It must never be about the pages of a dump, which may be of another machine: see file_page.
 */
#ifndef FLOPSHIM_PAGE_H
#define FLOPSHIM_PAGE_H

#include <stdint.h>
#include <unistd.h>

#include "flopshim_dump.h"

/* Bytes of the largest page that the processor can have; the size in use may be less. */
#if defined(__x86_64__)
enum { PAGE_MOST = DUMP_PAGE_LEAST };
#else
enum { PAGE_MOST = 1 << 16 };
#endif

/*
 * Bits of every address that mmap chooses by itself. A process has 47 on x86-64, and 56 with five levels of page
 * tables; on arm64 it has 48, or 52. But Linux goes beyond 48 only for a program that asks for such an address by a
 * hint.
 */
enum { MEMORY_BITS = 48 };

static inline uint64_t page_size(void) { return (uint64_t)getpagesize(); }

/* The beginning of the page around an address; and that of the first page which holds nothing below the address. */
static inline uint64_t page_begin(uint64_t address) { return address & ~(page_size() - 1); }
static inline uint64_t page_end(uint64_t address) { return page_begin(address + page_size() - 1); }

/* Bytes from an address to the end of its page. */
static inline uint64_t page_rest(uint64_t address) { return page_size() - address % page_size(); }

#endif
