// SPDX-License-Identifier: MIT
// Ranges of bytes (RFC 9110 14), and the parts of an answer that has several.
#pragma once

#include "text.h"

#define HTTP_RANGES_MAX      16u // of one request; one that asks for more gets the whole
#define HTTP_BOUNDARY_LENGTH 24u
#define HTTP_PART_HEAD_MAX   256u

struct http_range {
    uint64_t first, length;
};

enum range_kind {
    RANGE_NONE,        // not ranges that this server knows: the whole is sent
    RANGE_GOOD,        // *out_count ranges that lie within size, apart from each other
    RANGE_UNSATISFIED, // 416
};

// The value of a Range field against a file of `size` bytes. Ranges that overlap or touch are
// one; the others keep their order; those beyond the end are left out. So all of them together are
// no more than the file.
enum range_kind http_ranges_parse(struct text value, uint64_t size,
                                  struct http_range ranges[HTTP_RANGES_MAX], unsigned *out_count);

// The type of an answer with several parts.
void http_parts_type(struct writer *writer, struct text boundary);

// What is before a part's bytes; and behind the last.
void http_part_head(struct writer *writer, struct text boundary, struct text type,
                    const struct http_range *range, uint64_t size);
void http_parts_end(struct writer *writer, struct text boundary);

// Bytes of the whole body.
uint64_t http_parts_length(struct text type, const struct http_range *ranges, unsigned count,
                           uint64_t size);
