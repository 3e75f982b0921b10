// SPDX-License-Identifier: MIT
// What a server's clients share: a pool of anything that can be counted (pages, nodes, sockets,
// questions under way). The client pays: whatever the server keeps because of a request is taken
// for the client that asked (ts_request.client), kept with that number, and given back under it.
//
// The rule is the kernel's own for requests and objects (docs/abi/create.md): a client may take one
// more as long as it has no more than is left. So one client has half of a pool at the most, the
// next one half of the rest, and one that has nothing is the last to be refused.
//
//   struct file {
//       uint32_t client;
//   };
//
//   static struct ts_holder holders[256];
//   static struct ts_share files; // ts_share_init(&files, 1000, holders, 256)
//
//   static ts_status_t file_create(struct file *file, uint32_t client)
//   {
//       file->client = client;
//       return ts_share_take(&files, client, 1); // TS_ERR_LIMIT is the answer
//   }
//
//   static void file_destroy(struct file *file)
//   {
//       ts_share_give(&files, file->client, 1);
//   }
#pragma once

#include <stdint.h>
#include <tessera/abi/status.h>
#include <tessera/abi/types.h>
#include <tessera/lib/status.h>

struct ts_holder {
    uint64_t has; // 0: the place is free
    uint32_t client;
};

struct ts_share {
    uint64_t left;
    struct ts_holder *holders;
    uint32_t mask, used; // places - 1; places in use
};

// `count` places for clients that hold something, a power of two, all zero; they stay in use until
// the share ends, and are touched as clients come.
void ts_share_init(struct ts_share *share, uint64_t capacity, struct ts_holder *holders,
                   uint32_t count);

// Takes `count`, as if one by one, or nothing. TS_ERR_LIMIT: the client has as many as are left, or
// too many clients hold some (7 of 8 places).
TS_MUST_USE ts_status_t ts_share_take(struct ts_share *share, uint32_t client, uint64_t count);

// Gives back what this client was given: no more than it has.
void ts_share_give(struct ts_share *share, uint32_t client, uint64_t count);

// What a client may take now.
uint64_t ts_share_left(const struct ts_share *share, uint32_t client);

// What a client has.
uint64_t ts_share_of(const struct ts_share *share, uint32_t client);
