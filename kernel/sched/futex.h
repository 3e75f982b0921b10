// SPDX-License-Identifier: MIT
// Futexes: threads and ring operations that wait for a word of memory to be woken.
//
// A waiter is a request with home FUTEX in one of a fixed number of hash buckets, by what the word
// is (mm's futex_key), so that processes that share memory meet. It holds no reference to that:
// when the memory is gone, no wake finds it any more, since no other memory ever has the same key.
#pragma once

#include <core/request.h>
#include <mm/address_space.h>

// Queues a filled record if the word at `address` of the current space still is `expected`. TS_OK:
// it is PARKED and will be completed by a wake, its deadline or a cancel. Else the record is
// untouched: TS_ERR_AGAIN (the word differs), TS_ERR_FAULT, TS_ERR_ARGUMENT (alignment). Interrupts
// on.
TS_MUST_USE ts_status_t futex_wait(struct request *request, vaddr_t address, uint32_t expected);

// Wakes at most `most` of those that wait for the word at `address` of `space` when it begins, in
// the order in which they came; their status is TS_OK. Interrupts on.
TS_MUST_USE ts_status_t futex_wake(struct address_space *space, vaddr_t address, uint32_t most,
                                   uint32_t *out_woken);

// Takes a waiting record out of its queue: true if it was there (the caller makes it DONE).
bool futex_remove(struct request *request);

// `keys`: random numbers, from which it follows which words share a bucket.
void futex_init(const uint64_t keys[2]);
