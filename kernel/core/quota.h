// SPDX-License-Identifier: MIT
// How much may be used, level by level: what is charged to a quota is charged to all above it, each
// of which has limits of its own. So one can promise those below it more than it has, and they
// share it. Counted by atomic additions on the way up, which are undone when a level refuses: any
// context, lock-free.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum quota_resource { QUOTA_PAGES, QUOTA_HANDLES, QUOTA_THREADS, QUOTA_RESOURCES };

struct quota {
    struct quota *parent; // stays as long as this one; NULL: the root
    unsigned level;       // 1: the root. Their maker bounds it, and so every way up
    _Atomic uint64_t used[QUOTA_RESOURCES];
    _Atomic uint64_t limit[QUOTA_RESOURCES];
    _Atomic uint64_t peak[QUOTA_RESOURCES];
};

// In memory that is zeroed. Nothing is used.
void quota_init(struct quota *quota, struct quota *parent, const uint64_t limits[QUOTA_RESOURCES]);

// False: a level would exceed its limit, and nothing is charged.
bool quota_charge(struct quota *quota, enum quota_resource resource, uint64_t count);
void quota_uncharge(struct quota *quota, enum quota_resource resource, uint64_t count);

// What this level alone still permits, at this moment.
uint64_t quota_left(const struct quota *quota, enum quota_resource resource);

// The smallest limit on the way up, for tables that have one of their own.
uint64_t quota_limit(const struct quota *quota, enum quota_resource resource);

// A limit below what is used is fine: nothing more is given out then.
void quota_set_limit(struct quota *quota, enum quota_resource resource, uint64_t limit);
