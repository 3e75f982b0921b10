// SPDX-License-Identifier: MIT
// What gives way in a bounded pool that is full: of the idle entries the oldest, first of the
// address that holds most. So an address with many or slow entries loses one of its own, and an
// address with few keeps them.
//
//   struct {
//       ip_addr_t address;
//       uint32_t held;
//       int64_t idle_since;
//   } pool[64] = {0};
//   yield_begin();
//   for (unsigned i = 0; i < 64; i++) {
//       yield_count(&pool[i].address, pool[i].held);
//   }
//   for (unsigned i = 0; i < 64; i++) {
//       yield_offer(&pool[i].address, pool[i].idle_since, &pool[i]); // one that may give way
//   }
//   void *chosen = yield_choice();
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
