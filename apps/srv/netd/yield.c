// SPDX-License-Identifier: MIT
#include "yield.h"

#include <string.h>

#include "hooks.h"

static struct {
    uint32_t held[YIELD_ADDRESSES];
    void *choice;
    uint32_t most;
    int64_t since;
    uint32_t level, over; // each address keeps `level`, and the first `over` one more
} yield;

uint16_t yield_address(const ip_addr_t *address)
{
    ip_addr_t network;
    ip_addr_copy(network, *address);
    if (IP_IS_V6_VAL(network)) {
        ip_2_ip6(&network)->addr[2] = ip_2_ip6(&network)->addr[3] = 0;
    }
    return (uint16_t)(platform_tcp_hash(&network, 0, &network, 0) % YIELD_ADDRESSES);
}

static uint32_t *held_by(const ip_addr_t *address)
{
    return &yield.held[yield_address(address)];
}

void yield_begin(void)
{
    memset(yield.held, 0, sizeof(yield.held));
    yield.choice = NULL;
}

void yield_count(const ip_addr_t *address, uint32_t holds)
{
    *held_by(address) += holds;
}

uint32_t yield_held(const ip_addr_t *address)
{
    return *held_by(address);
}

void yield_offer(const ip_addr_t *address, int64_t since, void *one)
{
    uint32_t held = *held_by(address);
    bool worse = held > yield.most || (held == yield.most && since < yield.since);
    if (yield.choice != NULL && !worse) {
        return;
    }
    yield.choice = one;
    yield.most = held;
    yield.since = since;
}

void *yield_choice(void)
{
    return yield.choice;
}

// How many stay when no address keeps more than `level`.
static uint32_t stay(uint32_t level)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < YIELD_ADDRESSES; i++) {
        sum += yield.held[i] < level ? yield.held[i] : level;
    }
    return sum;
}

void yield_level(uint32_t may_stay)
{
    uint32_t low = 0, high = may_stay + 1; // stay(low) fits; high is too much, or all
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (stay(middle) <= may_stay) {
            low = middle;
        } else {
            high = middle;
        }
    }
    yield.level = low;
    yield.over = may_stay - stay(low);
    memset(yield.held, 0, sizeof(yield.held)); // from here on: how many were kept
}

bool yield_keeps(const ip_addr_t *address)
{
    uint32_t *kept = held_by(address);
    bool one_over = *kept == yield.level && yield.over > 0;
    if (*kept >= yield.level && !one_over) {
        return false;
    }
    yield.over -= one_over;
    ++*kept;
    return true;
}
