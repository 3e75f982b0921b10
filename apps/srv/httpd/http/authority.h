// SPDX-License-Identifier: MIT
// Host and port, as they stand in the Host field and in the absolute form of a target.
#pragma once

#include "text.h"

struct authority {
    struct text host; // a name, an IPv4 address, or an IPv6 address in its brackets
    bool has_port;
    uint16_t port; // 0: none, or an empty one
};

// False: it is not `host [":" port]`. What RFC 3986 allows and nobody can have as a name (percent
// encoding, commas and other marks, a name that ends in a number and is no address) is refused too:
// two readers could take it for two hosts.
bool authority_parse(struct text text, struct authority *out_authority);
