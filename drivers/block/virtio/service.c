// SPDX-License-Identifier: MIT
#include "service.h"

#include <stdlib.h>
#include <string.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>

#define TICK_NS (1000 * TS_MILLISECOND) // while something is in flight: lost interrupts, silence

// ---- Work

static void recover(struct block_service *s)
{
    if (!allowance_take_reset(&s->resets, ts_loop_now(s->loop))) {
        service_fail("the device misbehaves all the time", TS_ERR_IO);
    }
    ts_log("the device misbehaves and is reset");
    ts_status_t status = block_stop(&s->block);
    if (status != TS_OK) {
        service_fail("the device does not stop", status);
    }
    transfers_fail(s);
    status = block_resume(&s->block);
    if (status != TS_OK) {
        service_fail("the device does not start again", status);
    }
    s->pending = true;
}

// Before each wait of the loop: all that the callbacks have found to do, at once.
static void on_idle(struct ts_loop *loop, void *context)
{
    struct block_service *s = context;
    if (!s->pending) {
        return;
    }
    s->pending = false;
    ts_status_t status = transfers_work(s);
    if (status == TS_ERR_PROTOCOL) {
        recover(s);
    }
    if (status != TS_OK || s->pending) {
        s->pending = true;
        ts_timer_arm(loop, &s->timer, ts_loop_now(loop)); // after whatever else has arrived
    } else if (s->block.used > 0 && !s->timer.armed) {
        ts_timer_arm(loop, &s->timer, ts_loop_now(loop) + TICK_NS);
    }
}

static void on_timer(struct ts_timer *timer)
{
    struct block_service *s = TS_OBJECT_OF(timer, struct block_service, timer);
    s->pending = true;
    if (block_stuck(&s->block, ts_loop_now(s->loop))) {
        recover(s);
    }
}

static bool on_interrupt(struct service_interrupt *interrupt)
{
    struct block_service *s = TS_OBJECT_OF(interrupt, struct block_service, interrupt);
    struct virtio_function *f = s->function;
    bool moved = s->progress != s->block.progress;
    s->progress = s->block.progress;
    s->block.statistics.interrupts++;
    s->pending = true;
    if (f->bus.line) {
        (void)f->device.registers->interrupt_cause(f); // the device lowers the line
    }
    return moved;
}

static bool on_change(struct service_interrupt *interrupt)
{
    struct block_service *s = TS_OBJECT_OF(interrupt, struct block_service, change);
    if (block_stuck(&s->block, ts_loop_now(s->loop))) {
        recover(s);
    }
    return false; // a disk that changes often is not ours
}

// ---- Objects

static struct block_service *service_of(const struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct block_session, object)->service;
}

// Checks what reads and writes have in common: 0, or the status to answer with.
static ts_status_t check_range(const struct block *b, const struct ts_request *request,
                               uint32_t length)
{
    if (request->flags & TS_FLAG_CURRENT) {
        return TS_ERR_UNSUPPORTED;
    }
    return (request->offset | length) % b->block_size != 0 ? TS_ERR_ARGUMENT : TS_OK;
}

static void on_read(struct ts_request *request)
{
    struct block_service *s = service_of(request);
    ts_status_t status = check_range(&s->block, request, request->room);
    uint64_t length = request->room, size = s->block.size;
    if (request->offset >= size) {
        length = 0;
    } else if (length > size - request->offset) {
        length = size - request->offset;
    }
    if (status != TS_OK || length == 0) {
        ts_request_reply(request, status, 0);
    } else {
        transfer_begin(s, request, BLOCK_READ, request->offset, length);
    }
}

static void on_write(struct ts_request *request)
{
    struct block_service *s = service_of(request);
    ts_status_t status = check_range(&s->block, request, request->length);
    uint64_t size = s->block.size;
    if (status == TS_OK && s->block.read_only) {
        status = TS_ERR_READ_ONLY;
    }
    if (status == TS_OK && (request->offset > size || request->length > size - request->offset)) {
        status = TS_ERR_RANGE;
    }
    if (status != TS_OK || request->length == 0) {
        ts_request_reply(request, status, 0);
    } else {
        transfer_begin(s, request, BLOCK_WRITE, request->offset, request->length);
    }
}

static void on_sync(struct ts_request *request)
{
    struct block_service *s = service_of(request);
    if (!s->block.flushes) {
        ts_request_reply(request, TS_OK, 0); // without a cache what is written is durable
    } else {
        transfer_begin(s, request, BLOCK_FLUSH, 0, 1);
    }
}

static void on_get(struct ts_request *request)
{
    const struct block *b = &service_of(request)->block;
    switch (request->arg) {
    case TS_PROPERTY_SIZE: ts_request_reply_u64(request, b->size); break;
    case TS_PROPERTY_BLOCK_SIZE: ts_request_reply_u64(request, b->block_size); break;
    case TS_PROPERTY_BLOCK_READ_ONLY: ts_request_reply_u64(request, b->read_only); break;
    case TS_PROPERTY_BLOCK_TRANSFER: ts_request_reply_u64(request, BLOCK_PIECE); break;
    case TS_PROPERTY_BLOCK_IDENTITY:
        ts_request_reply_bytes(request, b->identity, strlen(b->identity));
        break;
    case TS_PROPERTY_BLOCK_STATISTICS:
        ts_request_reply_bytes(request, &b->statistics, sizeof(b->statistics));
        break;
    default: ts_request_reply(request, TS_ERR_UNSUPPORTED, 0); break;
    }
}

static void on_cancel(struct ts_request *request)
{
    transfer_cancel(request->context);
}

static void on_closed(struct ts_object *object)
{
    struct block_session *session = TS_OBJECT_OF(object, struct block_session, object);
    session->closed = true;
    block_session_release(session);
}

static void on_open(struct ts_request *request);

static const struct ts_operations operations = {
    .open = on_open,
    .read = on_read,
    .write = on_write,
    .sync = on_sync,
    .get = on_get,
    .cancel = on_cancel,
    .closed = on_closed,
};

// open "": a session.
static void on_open(struct ts_request *request)
{
    struct block_session *session = calloc(1, sizeof(*session));
    if (session == NULL || request->length != 0) {
        free(session);
        ts_request_reply(request, session != NULL ? TS_ERR_NOT_FOUND : TS_ERR_MEMORY, 0);
        return;
    }
    session->object.operations = &operations;
    session->service = service_of(request);
    if (ts_request_reply_mint(request, &session->object, request->rights, 0) != TS_OK) {
        free(session);
    }
}

static const struct ts_operations root_operations = {.open = on_open};

static void begin(struct block_service *s)
{
    for (unsigned i = 0; i < TRANSFERS_MAX; i++) {
        s->transfers[i].next = s->free;
        s->free = &s->transfers[i];
    }
    const struct bus_function *bus = &s->function->bus;
    s->timer.fired = on_timer;
    service_interrupt_start(&s->interrupt, s->loop, bus->interrupts[0], bus->line, on_interrupt);
    service_interrupt_start(&s->change, s->loop, bus->interrupts[1], false, on_change);
    s->loop->idle = on_idle;
    s->loop->idle_context = s;
}

ts_status_t block_service_start(struct block_service *s, struct ts_loop *loop,
                                struct virtio_function *function, ts_handle_t *out_root)
{
    static const struct ts_server_limits limits = {.requests = TRANSFERS_MAX, .objects = 64};
    *s = (struct block_service){.loop = loop, .function = function};
    s->root = (struct block_session){.object = {.operations = &root_operations}, .service = s};
    ts_status_t status =
        block_init(&s->block, &function->device, function->bus.domain,
                   virtio_function_queue_vector(function), virtio_function_change_vector(function));
    if (status == TS_OK) {
        status = block_identify(&s->block);
    }
    if (status == TS_OK) {
        status = ts_server_init(&s->server, loop, &limits);
    }
    if (status == TS_OK) {
        status = ts_object_mint(&s->server, &s->root.object, TS_RIGHTS_ALL, out_root);
    }
    if (status == TS_OK) {
        begin(s);
        ts_log("'%s', %llu bytes in blocks of %u%s", s->block.identity,
               (unsigned long long)s->block.size, s->block.block_size,
               s->block.read_only ? ", read-only" : "");
    }
    return status;
}
