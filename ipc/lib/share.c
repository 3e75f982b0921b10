// SPDX-License-Identifier: MIT
// Holders are in a hash table with open addressing: each lies at its home or behind it, without a
// gap between.
#include <stdbool.h>
#include <tessera/lib/share.h>

void ts_share_init(struct ts_share *share, uint64_t capacity, struct ts_holder *holders,
                   uint32_t count)
{
    *share = (struct ts_share){.left = capacity, .holders = holders, .mask = count - 1};
}

// Clients' numbers are given out one after the other: neighbours should not be.
static uint32_t home(const struct ts_share *share, uint32_t client)
{
    return (uint32_t)((client * UINT64_C(0x9e3779b97f4a7c15)) >> 40) & share->mask;
}

// The client's place, or the free one where it would be.
static uint32_t place_of(const struct ts_share *share, uint32_t client)
{
    uint32_t at = home(share, client);
    while (share->holders[at].has != 0 && share->holders[at].client != client) {
        at = (at + 1) & share->mask;
    }
    return at;
}

// One more while it has no more than is left: each that it takes brings the two closer by two.
static uint64_t left_for(const struct ts_share *share, const struct ts_holder *holder)
{
    bool full = holder->has == 0 && share->used >= share->mask - share->mask / 8;
    if (full || share->left == 0 || holder->has > share->left) {
        return 0;
    }
    return (share->left - holder->has) / 2 + 1;
}

uint64_t ts_share_left(const struct ts_share *share, uint32_t client)
{
    return left_for(share, &share->holders[place_of(share, client)]);
}

ts_status_t ts_share_take(struct ts_share *share, uint32_t client, uint64_t count)
{
    struct ts_holder *holder = &share->holders[place_of(share, client)];
    if (count == 0) {
        return TS_OK;
    }
    if (count > left_for(share, holder)) {
        return TS_ERR_LIMIT;
    }
    if (holder->has == 0) {
        share->used++;
        holder->client = client;
    }
    holder->has += count;
    share->left -= count;
    return TS_OK;
}

// Closes the gap at a place: what lies behind it and not at its home moves up.
static void place_free(struct ts_share *share, uint32_t gap)
{
    struct ts_holder *holders = share->holders;
    holders[gap].has = 0;
    share->used--;
    for (uint32_t at = (gap + 1) & share->mask; holders[at].has != 0; at = (at + 1) & share->mask) {
        uint32_t from_home = (at - home(share, holders[at].client)) & share->mask;
        if (from_home < ((at - gap) & share->mask)) {
            continue;
        }
        holders[gap] = holders[at];
        holders[at].has = 0;
        gap = at;
    }
}

void ts_share_give(struct ts_share *share, uint32_t client, uint64_t count)
{
    uint32_t at = place_of(share, client);
    if (count == 0) {
        return;
    }
    if (count > share->holders[at].has) {
        __builtin_trap(); // the server counts wrongly: our bug
    }
    share->left += count;
    share->holders[at].has -= count;
    if (share->holders[at].has == 0) {
        place_free(share, at);
    }
}

uint64_t ts_share_of(const struct ts_share *share, uint32_t client)
{
    const struct ts_holder *holder = &share->holders[place_of(share, client)];
    return holder->has;
}
