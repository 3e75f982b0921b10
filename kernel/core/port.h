// SPDX-License-Identifier: MIT
// A port: where a process serves objects. Fixed tables, made at creation and charged to its owner:
// `requests` slots for delivered requests, `objects` slots for served objects, and records of
// clients. Everything here is under the port's lock unless it says otherwise.
//
// A served object's count = handles + handles in transit + requests not yet delivered + pending
// waits. At zero the slot becomes CLOSING and its notice waits for a ring to take it; when the
// CLOSED event is published the slot is FREE and the server may mint it again.
//
// Priorities. A delivered request lends its priority to the thread that took it, until it ends, by
// whatever means (slot.borrower). The most urgent parked one lends its priority to the threads of
// all rings, until it is not parked any more (rings[].borrower). So what a thread is lent follows
// from what it holds and what waits for it, at each moment.
//
// Clients. A client is all processes of a job, and of the jobs that it makes itself
// (job.h). An object that is minted by a reply counts for the client that asked; a request counts
// for it while it is parked or has a slot, also one that was cut off and not yet answered. Of both
// tables a client may take as long as it has no more of it than is free (port_may_take): one alone
// leaves half of it, and clients that have nothing are the last to be refused. A request beyond
// that stays ISSUED in its client's FIFO, and each one that is over admits the client with the
// fewest of those that wait; where a client has none and nothing is free, it is refused
// (TS_ERR_LIMIT), as is an object.
//
// Turns. Of one priority, clients of which requests are parked have turns: one request each. A ring
// of which the thread has not read what it got takes nobody's second one, so that the next one
// does not wait for all that another has parked; as long as none comes, rounds grow (batch).
//
// The reserve. A server can set one slot apart for one object (port_mint), whose requests go there
// and nowhere else, one at a time and before others, whichever client asks and however full the
// port is. It counts for a record that no client has, and that can have no objects: so no client
// can take it, and by it none gets more than one request beyond its share.
#pragma once

#include <core/ring.h>

struct handle_entry;
struct process;

// What a client has of a port. One that has nothing keeps its record until another needs it.
struct port_client {
    uint32_t number;       // struct requester's; PORT_NONE: the record was never used
    uint32_t requests;     // parked, or in a slot
    uint32_t objects;      // minted for it
    uint32_t next;         // in its chain
    struct list waiting;   // requests beyond its share; then it has others
    uint32_t place;        // in port.hungry, while some wait
    uint32_t round;        // port.round of its last turn
    struct request *heads; // its first parked ones, of each priority; while several have turns
};

enum served_state { SERVED_FREE, SERVED_LIVE, SERVED_REVOKED, SERVED_CLOSING };

// A served object: what clients' handles name. `object.references` is not used; the port's
// reference is what keeps it readable.
struct served {
    struct object object; // class: served_class
    struct port *port;
    uint32_t oid;
    uint32_t count;
    uint32_t client; // for which it counts; PORT_NONE: the server
    uint32_t asker;  // a client that may be the next one to ask: looked at first
    uint8_t state;   // enum served_state
    uint64_t tag;
    struct list notice; // CLOSING: in port.closed
};

enum slot_state { SLOT_FREE, SLOT_DELIVERED, SLOT_CANCELLING, SLOT_DETACHED };

// A delivered request. `taken` handles live here once the client is cut off.
struct slot {
    struct request *request; // NULL: detached
    uint32_t generation;     // never 0
    uint8_t state;           // enum slot_state
    bool copying;            // a page is being copied: everyone else waits for it (at most 4 KiB)
    bool cancel_queued;
    uint32_t client; // whose request it is or was
    uint32_t next_free;
    void *borrower;     // `request` lends it its priority; NULL: nobody, or the slot is free
    struct list cancel; // in port.cancels
    struct handle sent[TS_CALL_HANDLES]; // none while the slot is free
};

struct port {
    struct object object;
    struct handle_table *handles; // the server's
    struct address_space *space;  // the server's
    uint32_t slot_count, object_count;
    struct slot *slots;
    struct served *served;
    struct port_client *clients;
    uint32_t *client_chains; // first records of the chains, by number modulo client_count
    uint32_t client_count, client_cursor;
    uint32_t *hungry; // clients of which requests wait, a heap: the first one is next
    uint32_t hungry_count;
    uint32_t requests_left, objects_left; // that may still be parked or delivered; that are free
    uint32_t slot_free;                   // head of the free list; PORT_NONE = none
    uint32_t reserve;                     // a slot that is in no list; PORT_NONE = there is none
    uint32_t reserve_client;              // the record that counts what is there: no client's
    struct served *reserve_object;        // whose it is; NULL: nobody's
    struct request *reserve_parked;       // its request; NULL: none is parked
    struct list parked[PRIORITIES];       // by priority: in the order in which they are delivered
    uint32_t parked_mask;
    uint32_t lone;  // whose all parked ones are; PORT_NONE: `parked` has the clients' heads
    uint32_t round; // in which each client has one turn, or more while the ring has few events
    uint32_t batch; // so few: doubled by each round, 1 again when another client comes
    struct list cancels, closed; // notices to take
    // Parked requests and notices. Rings look at it without the lock before they sleep: it is
    // counted up before an idle ring is looked for, with a fence between.
    uint32_t queued;
    uint32_t cursor; // of port_destroy_some
    struct {
        struct ring *ring;
        uint32_t index; // in ring.bindings
        uint8_t lent;   // to which: the urgency of what is parked
        void *borrower;
    } rings[RING_BINDINGS_MAX];
    uint32_t ring_count;         // of them in use
    struct kernel_mapping inbox; // has inbox_size bytes for each slot
    uint32_t inbox_size;         // 0: there is none
    bool dead;                   // handles of its objects answer TS_ERR_PEER_CLOSED
    // The urgency that all rings' threads were told of; right whenever the lock is free.
    uint8_t lent;
    // Its life as an object, which is kernel/object's.
    struct process *process; // until the teardown is over
    struct work teardown;
    bool closing;
};

extern const struct object_class served_class;

#define PORT_NONE UINT32_MAX // no index

// The tables: memory that is zeroed, of as many as the names say. clients: port_client_count of
// each.
struct port_tables {
    struct slot *slots;
    struct served *served;
    struct port_client *clients;
    uint32_t *client_chains; // twice as many: chains, and the heap of those that wait
};

// How many clients a port with these tables can tell apart at a time: a power of two.
uint32_t port_client_count(uint32_t requests, uint32_t objects);

void port_init(struct port *port, const struct object_class *class, uint32_t requests,
               uint32_t objects, struct port_tables tables);

// Where the first bytes of the request in a slot go.
static inline void *port_inbox(const struct port *port, uint32_t slot)
{
    return kernel_range_at(&port->inbox.range, (uint64_t)slot * port->inbox_size, port->inbox_size);
}

static inline struct served *served_of(struct object *object)
{
    return list_entry(object, struct served, object);
}

// Issues a filled ISSUED record on a served object which a handle's entry names while it has that
// word (handle_find). Everything
// that can fail was checked before; what happens now is that the record is parked, delivered to an
// idle ring, kept in its client's FIFO, or DONE and completed (revoked or dead port:
// TS_ERR_PEER_CLOSED; the handle was closed meanwhile: TS_ERR_HANDLE; there is no room for another
// client: TS_ERR_LIMIT; it would wait for its client's others in spite of TS_FLAG_NOWAIT, which is
// else the server's to answer: TS_ERR_AGAIN; the reserve is in use: TS_ERR_LIMIT). Interrupts off,
// no lock held.
void port_issue(struct request *request, struct served *served, const struct handle_entry *entry,
                uint64_t word);

// The current thread is about to wait for an answer, and its request was not delivered: those that
// serve the port go on in its turn, if they are ready on this CPU. Interrupts off, no lock held.
void port_give_turn(struct port *port);

// Publishes some of the port's items into the ring's queue; `binding` is or was theirs. Ring lock
// not held. True: there are more that it may take. *out_left: there are more.
bool port_take(struct port *port, struct ring *ring, struct ring_binding *binding, uint64_t cookie,
               bool *out_left);

TS_MUST_USE ts_status_t port_bind(struct port *port, struct ring *ring, uint64_t cookie);
TS_MUST_USE ts_status_t port_unbind(struct port *port, struct ring *ring);

// What a reply carries besides bytes.
struct reply {
    uint64_t id;
    ts_status_t status;
    uint32_t result; // enum ts_reply_result
    uint64_t value;
    uint32_t oid;                         // MINT, OWN
    uint64_t tag;                         // MINT
    ts_signals_t signals;                 // MINT: from its start
    ts_rights_t rights;                   // granted
    struct handle moved[TS_CALL_HANDLES]; // MOVE, REDIRECT; call: any
};

// Answers. 0: the record is DONE and *out_request is to be given to request_complete by the caller
// (NULL when otherwise). TS_ERR_GONE: bad id, or detached (the slot is free now). On failure the
// moved handles stay the caller's. TS_ERR_EXISTS: MINT of a used oid. TS_ERR_PEER_CLOSED: MINT
// or OWN of a port that ends, which ends the request as well. TS_ERR_LIMIT: MINT for a client that
// has as many objects as are free.
// TS_ERR_ARGUMENT: oid out of range, or a handle where the operation has no room for one.
TS_MUST_USE ts_status_t port_reply(struct port *port, struct reply *reply,
                                   struct request **out_request);

// The same for an answer without handles to a request without any, which most are. *out_request is
// there if 0 is returned. TS_ERR_UNSUPPORTED: it is not one of them, nothing was done. Interrupts
// off.
TS_MUST_USE ts_status_t port_reply_plain(struct port *port, uint64_t id, ts_status_t status,
                                         uint64_t value, struct request **out_request);

enum copy_direction { COPY_PULL, COPY_PUSH };

// The client's address for byte `offset` of a request's range in that direction, and how many of
// `length` bytes follow it in one page and segment. `offset` lies inside the range.
uint32_t request_range(const struct request *request, enum copy_direction direction,
                       uint64_t offset, uint32_t length, uint64_t *out_address);

// Copies between the client's declared range at `offset` and the server's memory at `address`
// (current address space). *out_bytes: done, also on failure. TS_ERR_GONE, TS_ERR_RANGE (offset or
// length outside the range), TS_ERR_CLIENT_FAULT, TS_ERR_FAULT (the server's memory). Preemptible
// between pages.
TS_MUST_USE ts_status_t port_copy(struct port *port, uint64_t id, enum copy_direction direction,
                                  uint64_t address, uint32_t length, uint64_t offset,
                                  uint32_t *out_bytes);
// The same with interrupts off, of at most a page in one or two pieces: how many pages of a client
// a copy comes to, and which are missing, is the client's to say. False: not all was copied, which
// port_copy() does from the start.
TS_MUST_USE bool port_copy_short(struct port *port, uint64_t id, enum copy_direction direction,
                                 uint64_t address, uint32_t length, uint64_t offset);

// Handle `index` that came with the request. Own objects come back as out_own with out_tag.
TS_MUST_USE ts_status_t port_take_handle(struct port *port, uint64_t id, uint32_t index,
                                         struct handle *out_held, struct served **out_own);
// The same back again, since its taker could not be told of it. Dropped if its slot is over.
void port_take_back(struct port *port, uint64_t id, uint32_t index, struct handle held);
// An object for nobody. `reserve`: it has the port's reserve; TS_ERR_LIMIT: another has it, or no
// slot can be spared for it.
TS_MUST_USE ts_status_t port_mint(struct port *port, uint32_t oid, uint64_t tag, ts_rights_t rights,
                                  bool reserve, struct handle *out_held);
TS_MUST_USE ts_status_t port_signal(struct port *port, uint32_t oid, ts_signals_t clear,
                                    ts_signals_t set);
TS_MUST_USE ts_status_t port_revoke(struct port *port, uint32_t oid);

// Served objects' counts (handles, transit).
void served_count_add(struct served *served);
void served_count_drop(struct served *served);

// cancel and detach of a HOME_PORT record; see request_cancel. Interrupts are off since it was seen
// pending.
TS_MUST_USE ts_status_t port_cancel(struct request *request, ts_status_t status, bool force);
// Its timer's callback: the deadline, or the end of the grace, has come.
void port_expired(struct request *request);

// Ends the port: no new requests; all parked and delivered ones end with TS_ERR_PEER_CLOSED and
// objects get CLOSED. Preemptible between chunks: call until false. The port's class destroys it,
// and frees the tables, when no served object has a count left (each live one holds a reference).
void port_close(struct port *port);
bool port_destroy_some(struct port *port, uint32_t most);
