// SPDX-License-Identifier: MIT
#include "listing.h"

#include <string.h>

_Static_assert(LISTING_NAMES <= UINT16_MAX, "where a name begins fits");

#define ROW_MARKUP 160u // of a row, without its name
#define PAGE_END   160u

static struct text name_of(const struct listing *listing, const struct listing_entry *entry)
{
    return (struct text){listing->names + entry->name, entry->name_length};
}

// By bytes, a name before those that it begins.
static bool comes_before(struct text a, struct text b)
{
    int order = memcmp(a.data, b.data, a.length < b.length ? a.length : b.length);
    return order != 0 ? order < 0 : a.length < b.length;
}

static unsigned place_of(const struct listing *listing, struct text name, bool directory)
{
    unsigned low = 0, high = listing->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        const struct listing_entry *entry = &listing->entries[middle];
        bool before = entry->directory != directory ? entry->directory
                                                    : comes_before(name_of(listing, entry), name);
        if (before) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool listing_add(struct listing *listing, struct text name, bool directory, uint64_t size)
{
    if (name.length == 0 || name.data[0] == '.' || memchr(name.data, '/', name.length) != NULL ||
        memchr(name.data, '\0', name.length) != NULL) {
        return true;
    }
    if (listing->count == LISTING_ENTRIES || name.length > LISTING_NAMES - listing->used) {
        listing->more = true;
        return false;
    }
    unsigned at = place_of(listing, name, directory);
    struct listing_entry *entry = &listing->entries[at];
    memmove(entry + 1, entry, (listing->count - at) * sizeof(*entry));
    *entry = (struct listing_entry){.name = (uint16_t)listing->used,
                                    .name_length = (uint16_t)name.length,
                                    .directory = directory,
                                    .size = size};
    memcpy(listing->names + listing->used, name.data, name.length);
    listing->used += (uint32_t)name.length;
    listing->count++;
    return true;
}

static void write_row(struct writer *writer, struct text name, const struct listing_entry *entry)
{
    struct text slash = entry->directory ? TEXT("/") : (struct text){0};
    write_string(writer, "<tr><td><a href=\"");
    write_path(writer, name);
    write_text(writer, slash);
    write_string(writer, "\">");
    write_html(writer, name);
    write_text(writer, slash);
    write_string(writer, "</a><td>");
    if (!entry->directory) {
        write_number(writer, entry->size);
    }
    write_string(writer, "\n");
}

void listing_write(struct writer *writer, const struct listing *listing, bool parent)
{
    bool more = listing->more;
    write_string(writer, "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
                         "<meta name=\"viewport\" content=\"width=device-width\">"
                         "<title>Index</title>\n"
                         "<style>body{font:16px/1.5 system-ui,sans-serif;margin:2em;"
                         "color-scheme:light dark}td+td{text-align:right;padding-left:2em}</style>"
                         "\n<h1>Index</h1>\n<table>\n");
    if (parent) {
        write_string(writer, "<tr><td><a href=\"../\">../</a><td>\n");
    }
    for (unsigned i = 0; i < listing->count; i++) {
        const struct listing_entry *entry = &listing->entries[i];
        // A byte of a name is three in the link, and six in the text, at most.
        size_t row = (size_t)entry->name_length * 9 + ROW_MARKUP;
        if (writer->size - writer->length < row + PAGE_END) {
            more = true;
            break;
        }
        write_row(writer, name_of(listing, entry), entry);
    }
    write_string(writer, "</table>\n");
    if (more) {
        write_string(writer, "<p>There is more, which is not shown.</p>\n");
    }
    write_string(writer, "</html>\n");
}
