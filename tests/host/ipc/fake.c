// SPDX-License-Identifier: MIT
#include "fake_kernel.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "tests/host/check.h"

#define REQUESTS 64

struct fake_handle fake_handles[FAKE_HANDLES];
static unsigned char *blocks[256]; // given back by fake_reset
static unsigned block_count;
static struct ts_ring *ring;
static uint64_t cookie;
static struct fake_request *requests[REQUESTS];
static uint32_t generations[REQUESTS];
static unsigned char *inbox;
static uint32_t inbox_bytes, event_tail, submit_head;
static struct ts_clock clock_page = {.version = TS_CLOCK_VERSION};

struct fake_object fake_objects[FAKE_OBJECTS];
void (*fake_idle)(void);
bool fake_full;
struct ts_result (*fake_served)(unsigned, unsigned, ts_handle_t, uint64_t, uint64_t, uint64_t,
                                uint64_t);
unsigned fake_enters, fake_reply_waits, fake_replies, fake_closed, fake_pending_count;
unsigned fake_fails_at, fake_takes;
uint64_t fake_deadline;
struct ts_submission fake_pending;

void fake_reset(void)
{
    while (block_count > 0) {
        free(blocks[--block_count]);
    }
    memset(fake_handles, 0, sizeof(fake_handles));
    memset(requests, 0, sizeof(requests));
    memset(fake_objects, 0, sizeof(fake_objects));
    ring = NULL;
    inbox = NULL;
    fake_idle = NULL;
    fake_served = NULL;
    fake_full = false;
    event_tail = submit_head = inbox_bytes = 0;
    fake_enters = fake_reply_waits = fake_replies = fake_closed = fake_pending_count = 0;
    fake_fails_at = fake_takes = 0;
    fake_process_reset();
    ts_clock_use(&clock_page);
}

void fake_time(ts_time_t now)
{
    clock_page.base_ns = (uint64_t)now;
}

uint64_t ts_machine_counter(void)
{
    return 0; // the clock stands where fake_time put it
}

struct ts_result fake_ok(uint64_t value)
{
    return (struct ts_result){TS_OK, value};
}

struct ts_result fake_error(ts_status_t status)
{
    return (struct ts_result){status, UINT64_C(0xbad)}; // no result: nobody may take it for one
}

bool fake_refuses(void)
{
    return fake_fails_at > 0 && --fake_fails_at == 0;
}

static unsigned char *block(uint64_t size)
{
    CHECK(block_count < sizeof(blocks) / sizeof(blocks[0]));
    size = (size + 4095) & ~UINT64_C(4095);
    unsigned char *memory = aligned_alloc(4096, size);
    memset(memory, 0, size);
    return blocks[block_count++] = memory;
}

struct ts_result fake_add(struct fake_handle handle)
{
    for (unsigned i = 1; i < FAKE_HANDLES; i++) {
        if (fake_handles[i].kind) {
            continue;
        }
        fake_handles[i] = handle;
        return fake_ok(i);
    }
    return fake_error(TS_ERR_LIMIT);
}

struct ts_result fake_make(unsigned kind, uint64_t size)
{
    unsigned char *memory = size ? block(size) : NULL;
    return fake_add((struct fake_handle){kind, TS_RIGHTS_ALL, memory, size});
}

unsigned fake_open_handles(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < FAKE_HANDLES; i++) {
        count += fake_handles[i].kind != 0;
    }
    return count;
}

// ---- events

static struct ts_event *push_event(void)
{
    struct ts_submission *submissions = (void *)(ring + 1);
    struct ts_event *events = (void *)(submissions + ring->submissions);
    CHECK(event_tail - ring->event_head < ring->events);
    struct ts_event *event = &events[event_tail++ & (ring->events - 1)];
    memset(event, 0xee, sizeof(*event)); // what is not written must not be read
    atomic_store_explicit(TS_ATOMIC(&ring->event_tail), event_tail, memory_order_release);
    return event;
}

void fake_deliver(struct fake_request *request, uint32_t oid)
{
    uint32_t slot = 0;
    while (requests[slot] != NULL) {
        slot++;
    }
    CHECK(slot < REQUESTS && fake_objects[oid].used);
    requests[slot] = request;
    request->id = ts_request_id(slot, ++generations[slot]);
    uint32_t now = request->in_length < inbox_bytes ? request->in_length : inbox_bytes;
    if (now > 0) {
        memcpy(inbox + (size_t)slot * inbox_bytes, request->in, now);
    }
    *push_event() = (struct ts_event){.user_data = cookie,
                                      .kind = TS_EVENT_REQUEST,
                                      .op = (uint8_t)request->op,
                                      .flags = ts_event_request_flags(request->flags),
                                      .value = request->id,
                                      .extra = request->arg,
                                      .tag = fake_objects[oid].tag,
                                      .oid = oid,
                                      .rights = (uint16_t)request->rights,
                                      .in_handles = (uint8_t)request->sent_count,
                                      .length = request->in_length,
                                      .room = request->out_length,
                                      .offset = request->offset};
}

void fake_cancel(const struct fake_request *request)
{
    *push_event() =
        (struct ts_event){.user_data = cookie, .kind = TS_EVENT_CANCEL, .value = request->id};
}

void fake_close(uint32_t oid)
{
    // Its `value` has no meaning: it may look like the id of a request that is there.
    *push_event() = (struct ts_event){.user_data = cookie,
                                      .kind = TS_EVENT_CLOSED,
                                      .value = requests[0] != NULL ? requests[0]->id : 0,
                                      .oid = oid,
                                      .tag = fake_objects[oid].tag};
    fake_objects[oid].used = false;
}

void fake_complete(uint64_t user_data, ts_status_t status, uint64_t value, unsigned flags)
{
    struct ts_event *event = push_event();
    event->user_data = user_data;
    event->status = status;
    event->kind = TS_EVENT_COMPLETION;
    event->op = 0;
    event->flags = (uint16_t)flags;
    event->value = value;
    event->extra = 0;
}

// ---- the port

static struct fake_request *request_of(uint64_t id)
{
    uint32_t slot = ts_request_id_slot(id);
    if (slot >= REQUESTS || requests[slot] == NULL || requests[slot]->id != id) {
        return NULL;
    }
    return requests[slot];
}

static ts_status_t answer(const struct ts_reply *reply)
{
    struct fake_request *request = request_of(reply->id);
    fake_replies++;
    if (request == NULL) {
        return TS_ERR_GONE;
    }
    if (request->gone) {
        requests[ts_request_id_slot(reply->id)] = NULL;
        return TS_ERR_GONE;
    }
    if (request->refuse != TS_OK) {
        ts_status_t status = request->refuse;
        request->refuse = TS_OK;
        return status;
    }
    CHECK(reply->length <= request->out_length);
    if (reply->result == TS_REPLY_MINT) {
        if (fake_objects[reply->object].used) {
            return TS_ERR_EXISTS;
        }
        fake_objects[reply->object] =
            (struct fake_object){.used = true, .tag = reply->tag, .signals = reply->signals};
    }
    if (reply->length > 0) {
        memcpy(request->out, (const void *)(uintptr_t)reply->address, reply->length);
    }
    request->answered = true;
    request->status = reply->status;
    request->value = reply->value;
    request->result = (enum ts_reply_result)reply->result;
    request->object = reply->object;
    request->granted = reply->rights;
    requests[ts_request_id_slot(reply->id)] = NULL;
    return TS_OK;
}

static struct ts_result copy(bool push, uint64_t id, uint64_t address, uint64_t length,
                             uint64_t offset)
{
    struct fake_request *request = request_of(id);
    if (request == NULL) {
        return fake_error(TS_ERR_GONE);
    }
    uint64_t range = push ? request->out_length : request->in_length;
    if (offset > range || length > range - offset) {
        return fake_error(TS_ERR_RANGE);
    }
    void *server = (void *)(uintptr_t)address;
    if (push) {
        memcpy((char *)request->out + offset, server, length);
    } else {
        memcpy(server, (const char *)request->in + offset, length);
    }
    return fake_ok(length);
}

static struct ts_result port_op(unsigned op, unsigned rights, uint64_t address, uint64_t length,
                                uint64_t offset, uint64_t arg)
{
    (void)rights;
    switch (op) {
    case TS_OP_CALL: {
        const struct ts_call *call = (const void *)(uintptr_t)address;
        const struct ts_port_binding *binding = (const void *)(uintptr_t)call->in_address;
        if (call->method == TS_PORT_BIND) {
            cookie = binding->cookie;
        }
        return fake_ok(0);
    }
    case TS_OP_REPLY: {
        CHECK_EQUAL(length, sizeof(struct ts_reply));
        return fake_error(answer((const void *)(uintptr_t)address));
    }
    case TS_OP_PULL: return copy(false, arg, address, length, offset);
    case TS_OP_PUSH: return copy(true, arg, address, length, offset);
    case TS_OP_TAKE: {
        struct fake_request *request = request_of(arg);
        return request != NULL && offset < request->sent_count ? fake_ok(request->sent[offset])
                                                               : fake_error(TS_ERR_GONE);
    }
    case TS_OP_MINT: {
        bool reserve = arg & TS_MINT_RESERVE;
        arg &= ~TS_MINT_RESERVE;
        CHECK(arg < FAKE_OBJECTS && !fake_objects[arg].used);
        fake_objects[arg] = (struct fake_object){.used = true, .reserve = reserve, .tag = offset};
        return fake_ok(FAKE_SERVED + arg);
    }
    case TS_OP_REVOKE:
        CHECK(arg < FAKE_OBJECTS && fake_objects[arg].used);
        fake_objects[arg].revoked = true;
        return fake_ok(0);
    case TS_OP_SIGNAL:
        fake_objects[arg].signals &= (ts_signals_t)~offset;
        fake_objects[arg].signals |= ts_signal_change_set(offset);
        return fake_ok(0);
    default: return fake_error(TS_ERR_UNSUPPORTED);
    }
}

// ---- the ring

static void submit(const struct ts_submission *s)
{
    if (s->op == TS_OP_REPLY) {
        struct ts_reply reply = {.id = s->arg,
                                 .status = (int32_t)s->arg2,
                                 .value = s->offset,
                                 .address = s->address,
                                 .length = s->length};
        ts_status_t status = answer(&reply);
        if (status != TS_OK) {
            fake_complete(s->user_data, status, 0, 0);
        }
    } else if (s->op == TS_OP_NOP) {
        CHECK(s->flags & TS_FLAG_QUIET);
    } else if (s->op == TS_OP_SIGNAL) {
        (void)port_op(TS_OP_SIGNAL, 0, 0, 0, s->offset, s->arg);
    } else if (s->op == TS_OP_CANCEL) {
        fake_complete(s->arg, TS_ERR_CANCELLED, 0, 0);
        fake_complete(s->user_data, TS_OK, 0, 0);
    } else {
        fake_pending = *s;
        fake_pending_count++;
    }
}

static void wait_for_events(uint64_t wait_for)
{
    if (event_tail - ring->event_head < wait_for && fake_idle != NULL) {
        fake_idle();
    }
}

struct ts_result ts_sys_enter(uint64_t ring_submit, uint64_t wait_for, uint64_t deadline,
                              uint64_t upcall_mask)
{
    (void)upcall_mask;
    fake_deadline = deadline;
    if (fake_refuses()) {
        return fake_error(TS_ERR_MEMORY);
    }
    const struct ts_submission *submissions = (const void *)(ring + 1);
    uint64_t count = ts_pair_high(ring_submit);
    fake_enters++;
    CHECK(count <= ring->submissions && ring->submit_tail - submit_head == count);
    count = fake_full ? 0 : count;
    if (fake_takes > 0 && fake_takes < count) {
        count = fake_takes;
    }
    fake_takes = 0;
    for (uint64_t i = 0; i < count; i++) {
        submit(&submissions[submit_head++ & (ring->submissions - 1)]);
    }
    atomic_store_explicit(TS_ATOMIC(&ring->submit_head), submit_head, memory_order_release);
    wait_for_events(wait_for);
    return (struct ts_result){(int64_t)count, event_tail - ring->event_head};
}

struct ts_result ts_sys_reply_wait(uint64_t ring_port, uint64_t request, uint64_t status,
                                   uint64_t value, uint64_t address, uint64_t length)
{
    (void)ring_port;
    struct ts_reply reply = {.id = request,
                             .status = (int32_t)status,
                             .value = value,
                             .address = address,
                             .length = (uint32_t)length};
    if (status == ts_reply_word(TS_OK, TS_REPLY_MINT)) {
        reply = (struct ts_reply){.id = request,
                                  .result = TS_REPLY_MINT,
                                  .value = value,
                                  .tag = address,
                                  .object = ts_reply_object_oid(length),
                                  .rights = ts_reply_object_rights(length),
                                  .signals = ts_reply_object_signals(length)};
    }
    fake_reply_waits++;
    ts_status_t result = answer(&reply);
    if (result != TS_OK) {
        return fake_error(result);
    }
    wait_for_events(1);
    return fake_ok(event_tail - ring->event_head);
}

// ---- the rest

static struct ts_result create_ring(uint64_t submissions, uint64_t events)
{
    struct ts_result result =
        fake_make(TS_KIND_RING, sizeof(*ring) + submissions * sizeof(struct ts_submission) +
                                    events * sizeof(struct ts_event));
    ring = (void *)fake_handles[result.value].memory;
    ring->version = TS_RING_VERSION;
    ring->submissions = (uint32_t)submissions;
    ring->events = (uint32_t)events;
    return result;
}

struct ts_result ts_sys_create(uint64_t word, uint64_t a, uint64_t b, uint64_t c)
{
    ts_handle_t handle = ts_op_word_handle(word);
    if (fake_refuses()) {
        return fake_error(TS_ERR_MEMORY);
    }
    switch (word & 0xff) {
    case TS_KIND_MEMORY: return fake_make(TS_KIND_MEMORY, a);
    case TS_KIND_RING: return create_ring(a, b);
    case TS_KIND_PORT:
        CHECK(a <= REQUESTS && b <= FAKE_OBJECTS);
        inbox = handle ? fake_handles[handle].memory : NULL;
        inbox_bytes = (uint32_t)c;
        return fake_make(TS_KIND_PORT, 0);
    case TS_KIND_EVENT: return fake_make(TS_KIND_EVENT, 0);
    case TS_KIND_PROCESS: return fake_process_create(handle, (const char *)(uintptr_t)a, b);
    default: return fake_error(TS_ERR_KIND);
    }
}

struct ts_result ts_sys_op(uint64_t word, uint64_t address, uint64_t length, uint64_t offset,
                           uint64_t arg, uint64_t deadline)
{
    unsigned op = word & 0xff, rights = word >> 16 & 0xffff;
    ts_handle_t handle = ts_op_word_handle(word);
    fake_deadline = deadline;
    if (op == TS_OP_CLOSE) {
        fake_closed++;
    } else if (fake_refuses()) {
        return fake_error(TS_ERR_MEMORY);
    }
    if (handle >= FAKE_SERVED) {
        if (op == TS_OP_CLOSE) {
            return fake_ok(0);
        }
        return fake_served != NULL ? fake_served(op, rights, handle, address, length, offset, arg)
                                   : fake_error(TS_ERR_UNSUPPORTED);
    }
    CHECK(handle < FAKE_HANDLES);
    if (!fake_handles[handle].kind) {
        return fake_error(TS_ERR_HANDLE);
    }
    if (op == TS_OP_CLOSE) {
        fake_handles[handle].kind = 0;
        return fake_ok(0);
    }
    if (fake_handles[handle].kind == TS_KIND_PORT) {
        return port_op(op, rights, address, length, offset, arg);
    }
    return fake_object_op(op, rights, handle, address, length, offset, arg);
}
