// SPDX-License-Identifier: MIT
// What the two halves of the port share: port.c (how requests come and go) and port_serve.c (what
// the server does with them). All with the port's lock held unless said otherwise. Requests that
// become DONE are put on a `finished` list and completed by port_finish once the lock is free.
#pragma once

#include <core/port.h>

// Completes all requests of the list. No lock held.
void port_finish(struct list *finished);

// The slot of a request id, waiting until no page is being copied for it; NULL when there is none.
// The lock is free while it waits: what was read before is to be read again. (Unchecked: the lock
// is held on entry and on return.)
struct slot *port_slot(struct port *port, uint64_t id) LOCK_UNCHECKED;
void slot_release(struct port *port, struct slot *slot);
// The request of a delivered slot is over: DONE with `status`; its session moves on.
void slot_end_request(struct port *port, struct slot *slot, ts_status_t status,
                      struct list *finished);

void session_leave(struct port *port, uint32_t index);
uint32_t session_start(struct port *port);

// Publishes items to idle rings, one each, as long as there are both.
void port_dispatch(struct port *port, struct list *finished);

// A free object slot becomes an object with one count.
void served_begin(struct port *port, uint32_t oid, uint64_t tag, uint32_t session);
void served_count_drop_locked(struct served *served);
