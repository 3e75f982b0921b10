// SPDX-License-Identifier: MIT
#include "fake.h"
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/thread.h>
#include <tessera/lib/bootstrap.h>
#include "tests/host/check.h"

#define HANDLES  256
#define REQUESTS 64

struct handle {
    unsigned kind; // enum ts_kind, 0 = free
    unsigned char *memory;
    uint64_t size;
};

static struct handle handles[HANDLES];
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
struct ts_submission fake_pending;

void fake_reset(void)
{
    while (block_count > 0)
        free(blocks[--block_count]);
    memset(handles, 0, sizeof handles);
    memset(requests, 0, sizeof requests);
    memset(fake_objects, 0, sizeof fake_objects);
    ring = NULL;
    inbox = NULL;
    fake_idle = NULL;
    fake_served = NULL;
    fake_full = false;
    event_tail = submit_head = inbox_bytes = 0;
    fake_enters = fake_reply_waits = fake_replies = fake_closed = fake_pending_count = 0;
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

static struct ts_result ok(uint64_t value)
{
    return (struct ts_result){TS_OK, value};
}

static struct ts_result error(ts_status_t status)
{
    return (struct ts_result){status, 0};
}

static unsigned char *block(uint64_t size)
{
    CHECK(block_count < sizeof blocks / sizeof blocks[0]);
    size = (size + 4095) & ~UINT64_C(4095);
    unsigned char *memory = aligned_alloc(4096, size);
    memset(memory, 0, size);
    return blocks[block_count++] = memory;
}

static struct ts_result add_handle(unsigned kind, uint64_t size)
{
    for (unsigned i = 1; i < HANDLES; i++) {
        if (handles[i].kind)
            continue;
        handles[i] = (struct handle){kind, size ? block(size) : NULL, size};
        return ok(i);
    }
    return error(TS_ERR_LIMIT);
}

// events ------------------------------------------------------------------------------------

static struct ts_event *push_event(void)
{
    struct ts_submission *submissions = (void *)(ring + 1);
    struct ts_event *events = (void *)(submissions + ring->submissions);
    CHECK(event_tail - ring->event_head < ring->events);
    struct ts_event *event = &events[event_tail++ & (ring->events - 1)];
    memset(event, 0xee, sizeof *event); // what is not written must not be read
    __atomic_store_n(&ring->event_tail, event_tail, __ATOMIC_RELEASE);
    return event;
}

void fake_deliver(struct fake_request *request, uint32_t oid)
{
    uint32_t slot = 0;
    while (requests[slot])
        slot++;
    CHECK(slot < REQUESTS && fake_objects[oid].used);
    requests[slot] = request;
    request->id = slot | (uint64_t)++generations[slot] << 32;
    uint32_t now = request->in_length < inbox_bytes ? request->in_length : inbox_bytes;
    if (now > 0)
        memcpy(inbox + (size_t)slot * inbox_bytes, request->in, now);
    *push_event() =
        (struct ts_event){.user_data = cookie,
                          .kind = TS_EVENT_REQUEST,
                          .op = (uint8_t)request->op,
                          .flags = (uint16_t)(request->flags << TS_EVENT_OP_FLAGS_SHIFT),
                          .value = request->id,
                          .extra = request->arg,
                          .tag = fake_objects[oid].tag,
                          .oid = oid,
                          .rights = (uint16_t)request->rights,
                          .handles_in = (uint8_t)request->sent_count,
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
    *push_event() = (struct ts_event){
        .user_data = cookie, .kind = TS_EVENT_CLOSED, .oid = oid, .tag = fake_objects[oid].tag};
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

// the port ----------------------------------------------------------------------------------

static struct fake_request *request_of(uint64_t id)
{
    uint32_t slot = TS_REQUEST_SLOT(id);
    if (slot >= REQUESTS || !requests[slot] || requests[slot]->id != id)
        return NULL;
    return requests[slot];
}

static ts_status_t answer(const struct ts_reply *reply)
{
    struct fake_request *request = request_of(reply->id);
    fake_replies++;
    if (!request)
        return TS_ERR_GONE;
    if (request->gone) {
        requests[TS_REQUEST_SLOT(reply->id)] = NULL;
        return TS_ERR_GONE;
    }
    if (request->refuse) {
        ts_status_t status = request->refuse;
        request->refuse = TS_OK;
        return status;
    }
    CHECK(reply->length <= request->out_length);
    if (reply->result == TS_REPLY_MINT) {
        if (fake_objects[reply->object].used)
            return TS_ERR_EXISTS;
        fake_objects[reply->object] =
            (struct fake_object){.used = true, .tag = reply->tag, .signals = reply->signals};
    }
    if (reply->length > 0)
        memcpy(request->out, (const void *)(uintptr_t)reply->address, reply->length);
    request->answered = true;
    request->status = reply->status;
    request->value = reply->value;
    request->result = (enum ts_reply_result)reply->result;
    request->object = reply->object;
    request->granted = reply->rights;
    requests[TS_REQUEST_SLOT(reply->id)] = NULL;
    return TS_OK;
}

static struct ts_result copy(bool push, uint64_t id, uint64_t address, uint64_t length,
                             uint64_t offset)
{
    struct fake_request *request = request_of(id);
    if (!request)
        return error(TS_ERR_GONE);
    uint64_t range = push ? request->out_length : request->in_length;
    if (offset > range || length > range - offset)
        return error(TS_ERR_RANGE);
    void *server = (void *)(uintptr_t)address;
    if (push)
        memcpy((char *)request->out + offset, server, length);
    else
        memcpy(server, (const char *)request->in + offset, length);
    return ok(length);
}

static struct ts_result port_op(unsigned op, unsigned rights, uint64_t address, uint64_t length,
                                uint64_t offset, uint64_t arg)
{
    (void)rights;
    switch (op) {
    case TS_OP_CALL: {
        const struct ts_call *call = (const void *)(uintptr_t)address;
        const struct ts_port_binding *binding = (const void *)(uintptr_t)call->in_address;
        if (call->method == TS_PORT_BIND)
            cookie = binding->cookie;
        return ok(0);
    }
    case TS_OP_REPLY: {
        CHECK_EQUAL(length, sizeof(struct ts_reply));
        return error(answer((const void *)(uintptr_t)address));
    }
    case TS_OP_PULL: return copy(false, arg, address, length, offset);
    case TS_OP_PUSH: return copy(true, arg, address, length, offset);
    case TS_OP_TAKE: {
        struct fake_request *request = request_of(arg);
        return request && offset < request->sent_count ? ok(request->sent[offset])
                                                       : error(TS_ERR_GONE);
    }
    case TS_OP_MINT: {
        bool reserve = arg & TS_MINT_RESERVE;
        arg &= ~TS_MINT_RESERVE;
        CHECK(arg < FAKE_OBJECTS && !fake_objects[arg].used);
        fake_objects[arg] = (struct fake_object){.used = true, .reserve = reserve, .tag = offset};
        return ok(FAKE_SERVED + arg);
    }
    case TS_OP_SIGNAL:
        fake_objects[arg].signals &= (ts_signals_t)~offset;
        fake_objects[arg].signals |= (ts_signals_t)(offset >> 32);
        return ok(0);
    default: return error(TS_ERR_UNSUPPORTED);
    }
}

// the ring ----------------------------------------------------------------------------------

static void submit(const struct ts_submission *s)
{
    if (s->op == TS_OP_REPLY) {
        struct ts_reply reply = {.id = s->arg,
                                 .status = (int32_t)s->arg2,
                                 .value = s->offset,
                                 .address = s->address,
                                 .length = s->length};
        ts_status_t status = answer(&reply);
        if (status)
            fake_complete(s->user_data, status, 0, 0);
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
    if (event_tail - ring->event_head < wait_for && fake_idle)
        fake_idle();
}

struct ts_result ts_sys_enter(uint64_t ring_submit, uint64_t wait_for, uint64_t deadline,
                              uint64_t upcall_mask)
{
    (void)deadline, (void)upcall_mask;
    const struct ts_submission *submissions = (const void *)(ring + 1);
    uint64_t count = ring_submit >> 32;
    fake_enters++;
    CHECK(count <= ring->submissions && ring->submit_tail - submit_head == count);
    count = fake_full ? 0 : count;
    for (uint64_t i = 0; i < count; i++)
        submit(&submissions[submit_head++ & (ring->submissions - 1)]);
    __atomic_store_n(&ring->submit_head, submit_head, __ATOMIC_RELEASE);
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
    fake_reply_waits++;
    ts_status_t result = answer(&reply);
    if (result)
        return error(result);
    wait_for_events(1);
    return ok(event_tail - ring->event_head);
}

// the rest ----------------------------------------------------------------------------------

struct ts_result ts_sys_create(uint64_t word, uint64_t a, uint64_t b, uint64_t c)
{
    ts_handle_t handle = (ts_handle_t)(word >> 32);
    switch (word & 0xff) {
    case TS_KIND_MEMORY: return add_handle(TS_KIND_MEMORY, a);
    case TS_KIND_RING: {
        uint64_t size =
            sizeof *ring + a * sizeof(struct ts_submission) + b * sizeof(struct ts_event);
        struct ts_result result = add_handle(TS_KIND_RING, size);
        ring = (void *)handles[result.value].memory;
        ring->version = TS_RING_VERSION;
        ring->submissions = (uint32_t)a;
        ring->events = (uint32_t)b;
        return result;
    }
    case TS_KIND_PORT:
        CHECK(a <= REQUESTS && b <= FAKE_OBJECTS);
        inbox = handle ? handles[handle].memory : NULL;
        inbox_bytes = (uint32_t)c;
        return add_handle(TS_KIND_PORT, 0);
    case TS_KIND_EVENT: return add_handle(TS_KIND_EVENT, 0);
    default: return error(TS_ERR_KIND);
    }
}

struct ts_result ts_sys_op(uint64_t word, uint64_t address, uint64_t length, uint64_t offset,
                           uint64_t arg, uint64_t deadline)
{
    (void)deadline;
    unsigned op = word & 0xff, rights = word >> 16 & 0xffff;
    ts_handle_t handle = (ts_handle_t)(word >> 32);
    if (op == TS_OP_CLOSE)
        fake_closed++;
    if (handle >= FAKE_SERVED) {
        if (op == TS_OP_CLOSE)
            return ok(0);
        return fake_served ? fake_served(op, rights, handle, address, length, offset, arg)
                           : error(TS_ERR_UNSUPPORTED);
    }
    CHECK(handle < HANDLES);
    if (!handles[handle].kind)
        return error(TS_ERR_HANDLE);
    if (op == TS_OP_CLOSE) {
        handles[handle].kind = 0;
        return ok(0);
    }
    if (handles[handle].kind == TS_KIND_PORT)
        return port_op(op, rights, address, length, offset, arg);
    return error(TS_ERR_UNSUPPORTED);
}

struct ts_result ts_sys_map(uint64_t process_memory, uint64_t address, uint64_t length,
                            uint64_t offset, uint64_t flags)
{
    (void)address, (void)flags;
    struct handle *handle = &handles[process_memory >> 32];
    CHECK(handle->kind == TS_KIND_MEMORY || handle->kind == TS_KIND_RING);
    if (offset + length > ((handle->size + 4095) & ~UINT64_C(4095)))
        return error(TS_ERR_RANGE);
    return ok((uintptr_t)handle->memory + offset);
}

struct ts_result ts_sys_unmap(uint64_t process, uint64_t address, uint64_t length)
{
    (void)process, (void)address, (void)length;
    return ok(0);
}

struct ts_result ts_sys_protect(uint64_t process, uint64_t address, uint64_t length, uint64_t flags)
{
    (void)process, (void)address, (void)length, (void)flags;
    return ok(0);
}

uint64_t ts_thread_control_init(struct ts_thread_control *control)
{
    return control->self = (uintptr_t)control;
}

struct ts_result ts_sys_thread_start(uint64_t process, uint64_t entry, uint64_t stack_top,
                                     uint64_t argument, uint64_t thread_pointer,
                                     uint64_t priority_flags)
{
    (void)process, (void)entry, (void)stack_top;
    (void)argument, (void)thread_pointer, (void)priority_flags;
    return error(TS_ERR_UNSUPPORTED);
}

_Noreturn void ts_sys_thread_exit(uint64_t clear_address)
{
    (void)clear_address;
    abort();
}

_Noreturn void ts_sys_process_exit(uint64_t status)
{
    (void)status;
    abort();
}

struct ts_result ts_sys_futex_wait(uint64_t address, uint64_t expected, uint64_t deadline)
{
    (void)address, (void)expected, (void)deadline;
    return error(TS_ERR_TIMED_OUT);
}

struct ts_result ts_sys_futex_wake(uint64_t address, uint64_t count)
{
    (void)address, (void)count;
    return ok(0);
}

struct ts_result ts_sys_yield(void)
{
    return ok(0);
}
