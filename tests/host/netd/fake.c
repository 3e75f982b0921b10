// SPDX-License-Identifier: MIT
#include "fake.h"

#include <stdlib.h>
#include <sys/mman.h>

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/port.h>
#include <tessera/lib/process.h>
#include <tessera/lib/random.h>

ts_time_t fake_now = 1000000000;
ts_rights_t fake_rights = TS_RIGHTS_ALL;
struct ts_object *fake_session;
uint32_t fake_client = 1;

static struct ts_loop loop;
static struct ts_server server;
static size_t heap_bytes;

// ---- The library

void *heap_allocate(size_t size)
{
    if (heap_bytes + size > HEAP_LIMIT) {
        return NULL;
    }
    size_t *memory = malloc(size + 16);
    heap_bytes += size;
    *memory = size;
    return (char *)memory + 16;
}

void *heap_allocate_zeroed(size_t count, size_t size)
{
    void *memory = heap_allocate(count * size);
    return memory != NULL ? memset(memory, 0, count * size) : NULL;
}

void heap_free(void *memory)
{
    if (memory == NULL) {
        return;
    }
    size_t *start = (size_t *)(void *)((char *)memory - 16);
    heap_bytes -= *start;
    free(start);
}

size_t heap_size(const void *memory)
{
    return *(const size_t *)(const void *)((const char *)memory - 16);
}

size_t heap_used(void)
{
    return heap_bytes;
}

bool heap_was_short(void)
{
    return false;
}

ts_time_t ts_clock_now(void)
{
    return fake_now;
}

ts_status_t ts_random_bytes(void *buffer, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        ((uint8_t *)buffer)[i] = (uint8_t)(random_next() >> 56);
    }
    return TS_OK;
}

ts_status_t ts_memory_allocate(size_t size, unsigned flags, ts_handle_t *out_memory,
                               void **out_address)
{
    (void)flags;
    *out_address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (out_memory != NULL) {
        *out_memory = 1;
    }
    return *out_address == MAP_FAILED ? TS_ERR_MEMORY : TS_OK;
}

ts_status_t ts_memory_commit(ts_handle_t memory, uint64_t offset, uint64_t length)
{
    (void)memory;
    (void)offset;
    (void)length;
    return TS_OK;
}

void ts_log(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void ts_process_exit(int32_t status)
{
    fprintf(stderr, "the stack ended itself: %d\n", status);
    abort();
}

uint32_t ts_argument_count(void)
{
    return 0;
}

const char *ts_argument(uint32_t index)
{
    (void)index;
    return NULL;
}

void ts_timer_arm(struct ts_loop *of, struct ts_timer *timer, ts_time_t deadline)
{
    (void)of;
    timer->armed = true;
    timer->deadline = deadline;
}

void ts_close(ts_handle_t handle)
{
    (void)handle;
}

ts_status_t ts_object_mint(struct ts_server *of, struct ts_object *object, ts_rights_t rights,
                           ts_handle_t *out_handle)
{
    (void)rights;
    object->server = of;
    *out_handle = 1;
    return TS_OK;
}

void ts_object_signal(struct ts_object *object, ts_signals_t clear, ts_signals_t set)
{
    object->signals = (object->signals & ~clear) | set;
}

// ---- Requests

static ts_status_t pull(struct ts_request *request, void *buffer, size_t length, uint64_t offset,
                        size_t *out_bytes)
{
    struct call *call = (struct call *)request;
    if (call->gone) {
        return TS_ERR_GONE;
    }
    memcpy(buffer, call->in + offset, length);
    *out_bytes = length;
    return TS_OK;
}

static ts_status_t push(struct ts_request *request, const void *buffer, size_t length,
                        uint64_t offset, size_t *out_bytes)
{
    struct call *call = (struct call *)request;
    if (call->gone) {
        return TS_ERR_GONE;
    }
    memcpy(call->out + offset, buffer, length);
    *out_bytes = length;
    return TS_OK;
}

static ts_status_t take(struct ts_request *request, unsigned index, ts_handle_t *out_handle,
                        struct ts_object **out_object, ts_rights_t *out_rights)
{
    (void)request;
    (void)index;
    (void)out_handle;
    (void)out_object;
    (void)out_rights;
    return TS_ERR_NOT_FOUND;
}

static ts_status_t reply(struct ts_request *request, struct ts_reply *fields,
                         struct ts_object *object, enum ts_reply_bytes bytes)
{
    struct call *call = (struct call *)request;
    (void)bytes;
    CHECK(!call->done); // exactly once
    call->done = true;
    if (call->gone) {
        return TS_ERR_GONE;
    }
    call->status = fields->status;
    call->value = fields->value;
    if (fields->length > 0) {
        memcpy(call->out, (const void *)(uintptr_t)fields->address, fields->length);
    }
    if (fields->result == TS_REPLY_MINT) {
        object->server = &server;
        object->signals = fields->signals;
        call->minted = object;
    }
    return TS_OK;
}

static const struct ts_request_backend backend = {pull, push, take, reply};

static void start(struct call *call, struct ts_object *object, enum ts_operation op, uint64_t arg,
                  uint8_t flags, const void *in, size_t in_length, void *out, size_t room)
{
    *call = (struct call){.in = in, .out = out};
    call->request = (struct ts_request){
        .backend = &backend,
        .server = &server,
        .object = object,
        .arg = arg,
        .length = (uint32_t)in_length,
        .room = (uint32_t)room,
        .inbox = in,
        .inbox_length = (uint32_t)(in_length < NETD_INBOX ? in_length : NETD_INBOX),
        .rights = fake_rights,
        .op = (uint8_t)op,
        .flags = flags,
        .client = fake_client,
    };
    ts_request_dispatch(&call->request);
}

void call_start(struct call *call, struct ts_object *object, enum ts_operation op, uint64_t arg,
                const void *in, size_t in_length, void *out, size_t room)
{
    start(call, object, op, arg, 0, in, in_length, out, room);
}

void call_nowait(struct call *call, struct ts_object *object, enum ts_operation op, uint64_t arg,
                 const void *in, size_t in_length, void *out, size_t room)
{
    start(call, object, op, arg, TS_FLAG_NOWAIT, in, in_length, out, room);
}

void call_cancel(struct call *call)
{
    if (!call->done) {
        call->request.object->operations->cancel(&call->request);
    }
}

static void batches(void)
{
    for (unsigned i = 0; i < 64; i++) {
        loop.now = fake_now;
        stack_batch();
    }
}

void fake_run(unsigned ms)
{
    batches();
    while (ms > 0) {
        unsigned step = ms < 50 ? ms : 50;
        fake_now += step * TS_MILLISECOND;
        ms -= step;
        batches();
    }
}

ts_status_t call_now(struct call *call, struct ts_object *object, enum ts_operation op,
                     uint64_t arg, const void *in, size_t in_length, void *out, size_t room)
{
    call_start(call, object, op, arg, in, in_length, out, room);
    for (unsigned i = 0; i < 20 && !call->done; i++) {
        fake_run(i == 0 ? 0 : 50);
    }
    return call->done ? call->status : TS_ERR_TIMED_OUT;
}

void fake_start(void)
{
    struct call call;
    struct link *link;
    CHECK(stack_init(&loop, &server) == TS_OK);
    CHECK(stack_add_link(&link) == TS_OK && link == netd.links[0]);
    netd.root.server = &server;
    CHECK(call_now(&call, &netd.root, TS_OP_OPEN, 0, "", 0, NULL, 0) == TS_OK);
    fake_session = call.minted;
}

struct ts_object *socket_create(const char *kind)
{
    struct call call;
    ts_status_t status =
        call_now(&call, fake_session, TS_OP_CREATE, 0, kind, strlen(kind), NULL, 0);
    return status == TS_OK ? call.minted : NULL;
}

void object_close(struct ts_object *object)
{
    object->server = NULL;
    object->operations->closed(object);
}

struct ts_net_address v4(unsigned a, unsigned b, unsigned c, unsigned d, uint16_t port)
{
    struct ts_net_address address = {.family = TS_NET_FAMILY_V4, .port = port};
    uint8_t bytes[4] = {(uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d};
    memcpy(address.address, bytes, 4);
    return address;
}
