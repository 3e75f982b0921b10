// SPDX-License-Identifier: MIT
// The list of a directory while it is read and made.
#pragma once

#include "content.h"
#include "http/listing.h"

struct content_list {
    struct listing listing; // its names are anything where there are none yet
    uint64_t cookie;
    unsigned steps;
    _Alignas(8) char buffer[4096];
    char page[LISTING_PAGE];
};
