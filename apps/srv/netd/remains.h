// SPDX-License-Identifier: MIT
// What is left of the connections when netd dies: their addresses, in the memory "remains" that its
// next instance is given. A peer that is waiting for data would not learn of the death by itself:
// a host that sends nothing gets no answer. So the next instance asks each peer for a sign of life,
// and what the peer then sends belongs to no connection here, which lwIP answers with a reset.
#pragma once

#include "stream.h"

#define REMAINS_NAME "remains"

// Takes the memory over, mapped for good. Without it nothing is ever noted.
void remains_init(void *memory, uint64_t size);

// A connection that is there from now on; one more than there is room for is not noted.
void remains_add(struct stream *stream);
// It is not, or was not noted.
void remains_drop(struct stream *stream);

// The card has an address: what the last instance left can be told.
void remains_tell(void);
