// SPDX-License-Identifier: MIT
// What all connections share, and which gives way when it is used up.
//
// The rule, for each pool: of the connections that hold something of it and wait for their client,
// one gives way; first of the client that holds most of it, then one that is not being answered,
// then the one that has waited longest. The one that needs the place waits until it is free (it is
// the kernel's until the operation in flight has ended) and tries again.
//
// A client is an IPv4 address, or the upper half of an IPv6 address: a host has all of the lower.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum shared {
    SHARED_PLACE,   // of a connection
    SHARED_LARGE,   // buffers for large heads
    SHARED_CONTENT, // files in use
    SHARED_PIECE,   // buffers for pieces of large files
    SHARED_PAGE,    // buffers for pages that are made
    SHARED_POOLS,
};

struct peer;

// Embedded by a connection.
struct holder {
    struct holder *newer, *older; // of those that wait, by since when
    struct holder *next;          // of those that starve for the same
    void (*retry)(struct holder *holder);
    struct peer *peer; // NULL: not known yet
    uint8_t holds;     // a bit for each pool
    bool waits, answering;
};

// It waits for its client from now on, if it does not already; it does not any more.
void shared_wait(struct holder *holder, bool answering);
void shared_go_on(struct holder *holder);

// It holds something of the pool, or nothing any more: then one that starves may try again.
void shared_hold(struct holder *holder, enum shared pool);
void shared_let_go(struct holder *holder, enum shared pool);
void shared_freed(enum shared pool); // something else that held of it did

bool shared_held(enum shared pool); // somebody holds of it

// Whose it is. Without memory it stays with those that are not known.
void shared_set_peer(struct holder *holder, const uint8_t address[16]);
void shared_forget(struct holder *holder); // it is gone

// Which gives way; NULL: none that holds any of it waits for its client.
struct holder *shared_yielding(enum shared pool);

// `retry` will be called when something of the pool is free, from shared_resume.
void shared_starve(struct holder *holder, enum shared pool, void (*retry)(struct holder *holder));
void shared_resume(void); // to be called before the loop waits
