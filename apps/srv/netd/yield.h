// SPDX-License-Identifier: MIT
// Who gives way in a bounded pool that is full: of those that do nothing the oldest, first of the
// address that holds most. So whoever is slow, or many, loses its own, and who has little keeps it.
//
//   yield_begin();
//   for each that is in the pool:  yield_count(address, how much it holds);
//   for each that may give way:    yield_offer(address, since when it does nothing, it);
//   it = yield_choice();
//
// An address is one of IPv4 or the upper half of one of IPv6. They are counted by a keyed hash: two
// that meet are taken for one, which nobody outside can choose.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <lwip/ip_addr.h>

#define YIELD_ADDRESSES 1024u
uint16_t yield_address(const ip_addr_t *address); // the number it is counted by

void yield_begin(void);
void yield_count(const ip_addr_t *address, uint32_t holds);
uint32_t yield_held(const ip_addr_t *address); // counted so far

void yield_offer(const ip_addr_t *address, int64_t since, void *one);
void *yield_choice(void); // NULL: none was offered

// The same for many at once, each of which was counted as 1: after yield_level, asked for each from
// the newest to the oldest, yield_keeps is true for as many as may stay.
void yield_level(uint32_t may_stay);
bool yield_keeps(const ip_addr_t *address);
