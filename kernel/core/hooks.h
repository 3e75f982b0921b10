// SPDX-License-Identifier: MIT
// What the state machine of kernel/core asks of what surrounds it, in higher rooms: kernel/mm,
// kernel/sched and kernel/object, each in its core_hooks.c, or the model test on the host.
#pragma once

#include <arch/clock.h>
#include <core/port.h>

// The thread waiting in `ring` (ring.waiter) can run: enough events are unread. Ring lock held.
void environment_wake_ring(struct ring *ring);
// A synchronous request is DONE; its thread's continuation reads the record. No lock held.
void environment_wake_thread(struct request *request);
// The thread that uses the ring now runs at no less than `priority`, until what this returns is
// given to environment_return() with the same priority: exactly once, it keeps the thread. NULL:
// the thread's own priority is as high, nothing is to be returned. The lock of the ring's port is
// held.
void *environment_lend(struct ring *ring, uint8_t priority);
void environment_return(void *borrower, uint8_t priority);
// The current thread is about to wait for the one that uses the ring, which is busy: if that is
// ready on this CPU it goes on in the current one's turn. The lock of the ring's port is held.
void environment_give_turn(struct ring *ring);

// Copies up to the end of one page between client memory (space, address) and memory of the current
// address space. Interrupts off. 0, TS_ERR_CLIENT_FAULT, TS_ERR_FAULT (current space's side), or
// TS_ERR_INTERRUPTED (the thread is to end).
TS_MUST_USE ts_status_t environment_copy(struct address_space *client, uint64_t client_address,
                                         uint64_t address, uint32_t length,
                                         enum copy_direction direction);
// Client memory to the inbox (kernel memory). Interrupts off, within one page of the client.
TS_MUST_USE ts_status_t environment_copy_inbox(struct address_space *client,
                                               uint64_t client_address, void *to, uint32_t length);
// Writes the result handles of a ring's call: u32[count] at the client's address. Best effort.
void environment_write_handles(struct address_space *client, uint64_t client_address,
                               const ts_handle_t *handles, uint32_t count);

// Charges a table's job for further entries. False: it, or one above it, has reached its limit.
bool environment_handles_charge(struct handle_table *table, uint32_t count);
void environment_handles_uncharge(struct handle_table *table, uint32_t count);

// A page of zeroed memory for a handle table, charged to its process. NULL: *out_status is
// TS_ERR_LIMIT or TS_ERR_MEMORY.
void *environment_page_get(struct handle_table *table, ts_status_t *out_status);
void environment_page_put(struct handle_table *table, void *page);

// Takes a HOME_FUTEX record out of its queue: true if it was there (the caller makes it DONE).
bool environment_futex_remove(struct request *request);
uint32_t environment_cpu(void); // this CPU's number
void environment_relax(void);   // inside a spin: lets the other CPU go on

// The last reference is gone: to the reaper.
void environment_retire(struct object *object);
