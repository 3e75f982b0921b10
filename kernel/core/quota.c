// SPDX-License-Identifier: MIT
// See quota.h.
#include <core/quota.h>

void quota_init(struct quota *quota, struct quota *parent, const uint64_t limits[QUOTA_RESOURCES])
{
    quota->parent = parent;
    quota->level = parent != NULL ? parent->level + 1 : 1;
    for (unsigned i = 0; i < QUOTA_RESOURCES; i++) {
        atomic_init(&quota->limit[i], limits[i]);
    }
}

// Adds to one level. False: over its limit.
static bool level_charge(struct quota *quota, enum quota_resource resource, uint64_t count)
{
    uint64_t limit = atomic_load_explicit(&quota->limit[resource], memory_order_relaxed);
    uint64_t used = atomic_load_explicit(&quota->used[resource], memory_order_relaxed);
    do {
        if (used > limit || count > limit - used) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&quota->used[resource], &used, used + count,
                                                    memory_order_relaxed, memory_order_relaxed));
    used += count;
    uint64_t peak = atomic_load_explicit(&quota->peak[resource], memory_order_relaxed);
    while (peak < used &&
           !atomic_compare_exchange_weak_explicit(&quota->peak[resource], &peak, used,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
    return true;
}

bool quota_charge(struct quota *quota, enum quota_resource resource, uint64_t count)
{
    struct quota *at = quota;
    while (at != NULL && level_charge(at, resource, count)) {
        at = at->parent;
    }
    if (at == NULL) {
        return true;
    }
    for (; quota != at; quota = quota->parent) {
        atomic_fetch_sub_explicit(&quota->used[resource], count, memory_order_relaxed);
    }
    return false;
}

void quota_uncharge(struct quota *quota, enum quota_resource resource, uint64_t count)
{
    for (; quota != NULL; quota = quota->parent) {
        atomic_fetch_sub_explicit(&quota->used[resource], count, memory_order_relaxed);
    }
}

uint64_t quota_left(const struct quota *quota, enum quota_resource resource)
{
    uint64_t used = atomic_load_explicit(&quota->used[resource], memory_order_relaxed);
    uint64_t limit = atomic_load_explicit(&quota->limit[resource], memory_order_relaxed);
    return used < limit ? limit - used : 0;
}

uint64_t quota_limit(const struct quota *quota, enum quota_resource resource)
{
    uint64_t limit = UINT64_MAX;
    for (; quota != NULL; quota = quota->parent) {
        uint64_t level = atomic_load_explicit(&quota->limit[resource], memory_order_relaxed);
        limit = level < limit ? level : limit;
    }
    return limit;
}

void quota_set_limit(struct quota *quota, enum quota_resource resource, uint64_t limit)
{
    atomic_store_explicit(&quota->limit[resource], limit, memory_order_relaxed);
}
