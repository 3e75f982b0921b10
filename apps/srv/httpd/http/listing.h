// SPDX-License-Identifier: MIT
// The page that shows what is in a directory: sorted by name, directories first, in bounds.
#pragma once

#include "text.h"

#define LISTING_ENTRIES 1024u
#define LISTING_NAMES   32768u // bytes of all names
#define LISTING_PAGE    (160u * 1024u)

struct listing_entry {
    uint64_t size;
    uint16_t name, name_length; // of `names`
    bool directory;
};

struct listing {
    unsigned count;
    uint32_t used;                                 // of names
    bool more;                                     // there were more than there is room for
    struct listing_entry entries[LISTING_ENTRIES]; // sorted
    char names[LISTING_NAMES];
};

// Names that begin with a dot are not shown, and those that no path can have. False: there is no
// room for more, which the page says.
bool listing_add(struct listing *listing, struct text name, bool directory, uint64_t size);

// `parent`: there is something above. Links are relative. What does not fit into the writer is left
// out, which the page says: it is always whole.
void listing_write(struct writer *writer, const struct listing *listing, bool parent);
