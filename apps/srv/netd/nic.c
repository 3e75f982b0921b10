// SPDX-License-Identifier: MIT
#include "nic.h"

#include <string.h>

#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/log.h>
#include <tessera/lib/op.h>
#include <tessera/lib/server.h>

#define RETRY_NS       (100 * TS_MILLISECOND)
#define ATTACH_NS      (5 * TS_SECOND)
#define SESSION_RIGHTS (TS_RIGHT_CALL | TS_RIGHT_WAIT)

static void retry_later(struct nic *nic)
{
    ts_timer_arm(nic->loop, &nic->retry, ts_deadline_in(RETRY_NS));
}

static void drop_session(struct nic *nic)
{
    ts_close(nic->session);
    ts_close(nic->driver_event);
    nic->session = TS_HANDLE_NONE;
    nic->driver_event = TS_HANDLE_NONE;
}

static void failed(struct nic *nic, const char *what, ts_status_t status)
{
    if (!nic->told) {
        ts_log("%s: %s: %s", nic->name, what, ts_status_text(status));
    }
    nic->told = true;
    // A call that never reached the driver left them here; else they are not ours any more, which
    // close does not mind.
    ts_close(nic->call.in_handle[0]);
    ts_close(nic->call.in_handle[1]);
    nic->call.in_handle[0] = nic->call.in_handle[1] = TS_HANDLE_NONE;
    drop_session(nic);
    nic->rests = status == TS_ERR_NOT_FOUND;
    if (nic->rests) {
        link_rests(nic->link);
    } else {
        retry_later(nic);
    }
}

// Everything that the driver is told of is in the link's rings; the event only wakes us.
static void on_event(struct ts_async *async, const struct ts_event *event)
{
    (void)async;
    (void)event;
}

static void lose(struct nic *nic)
{
    link_detached(nic->link);
    drop_session(nic);
    retry_later(nic);
}

static void on_session(struct ts_async *async, const struct ts_event *event)
{
    struct nic *nic = TS_OBJECT_OF(async, struct nic, watching_session);
    (void)event;
    if (!nic->link->attached) {
        return;
    }
    ts_log("%s: the driver is gone", nic->name);
    lose(nic);
}

void nic_leave(struct nic *nic)
{
    if (!nic->link->attached) {
        return;
    }
    ts_log("%s: the driver broke the rules of its queues", nic->name);
    if (nic->watching_session.busy) {
        ts_loop_cancel(nic->loop, &nic->watching_session);
    }
    lose(nic);
}

void nic_signal(struct nic *nic)
{
    if (nic->driver_event != TS_HANDLE_NONE) {
        (void)ts_event_signal(nic->driver_event, 1); // a dead driver is told by its session
    }
}

static void on_attached(struct ts_async *async, const struct ts_event *event)
{
    struct nic *nic = TS_OBJECT_OF(async, struct nic, attaching);
    nic->driver_event = nic->call.out_handle[0];
    ts_status_t status = event->status;
    if (status == TS_OK && nic->information.version != TS_FRAME_VERSION) {
        status = TS_ERR_VERSION;
    }
    struct ts_submission *watch =
        status == TS_OK ? ts_loop_begin(nic->loop, &nic->watching_session) : NULL;
    if (status == TS_OK && watch == NULL) {
        status = TS_ERR_LIMIT;
    }
    if (status != TS_OK) {
        failed(nic, "attach", status);
        return;
    }
    ts_prepare_wait(watch, nic->session, TS_SIGNAL_CLOSED | TS_SIGNAL_ERROR, TS_DEADLINE_NONE,
                    ts_async_data(&nic->watching_session));
    nic->told = false;
    if (link_attached(nic->link, &nic->information)) {
        nic_signal(nic);
    }
    nic->attached(nic);
}

static ts_status_t give(ts_handle_t handle, ts_rights_t rights, ts_handle_t *out_handle)
{
    return ts_duplicate(handle, rights | TS_RIGHT_TRANSFER, out_handle);
}

static ts_status_t attach(struct nic *nic)
{
    struct link *link = nic->link;
    nic->request = (struct ts_frame_attach){
        .version = TS_FRAME_VERSION,
        .rx_entries = PACKET_RX_ENTRIES,
        .tx_entries = PACKET_TX_ENTRIES,
        .memory_size = link->memory->size,
    };
    nic->information = (struct ts_frame_information){0};
    nic->call = (struct ts_call){
        .in_address = (uint64_t)(uintptr_t)&nic->request,
        .in_length = sizeof(nic->request),
        .out_address = (uint64_t)(uintptr_t)&nic->information,
        .out_length = sizeof(nic->information),
        .in_handles = 2,
        .out_handles = 1,
    };
    const ts_rights_t shared = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_MAP;
    ts_status_t status = give(link->memory->handle, shared, &nic->call.in_handle[0]);
    if (status != TS_OK) {
        return status;
    }
    status = give(nic->event, TS_RIGHT_WRITE, &nic->call.in_handle[1]);
    struct ts_submission *slot = status == TS_OK ? ts_loop_begin(nic->loop, &nic->attaching) : NULL;
    if (slot == NULL) {
        return status == TS_OK ? TS_ERR_LIMIT : status; // `failed` closes them
    }
    link_reset(link);
    ts_prepare_call(slot, nic->session, TS_FRAME_ATTACH, &nic->call, ts_deadline_in(ATTACH_NS),
                    ts_async_data(&nic->attaching));
    return TS_OK;
}

static void on_open(struct ts_opening *opening, ts_status_t status, ts_handle_t handle)
{
    struct nic *nic = TS_OBJECT_OF(opening, struct nic, opening);
    nic->session = handle;
    if (status == TS_OK) {
        status = attach(nic);
    }
    if (status != TS_OK) {
        failed(nic, "session", status);
    }
}

static void on_retry(struct ts_timer *timer)
{
    ts_opening_begin(&TS_OBJECT_OF(timer, struct nic, retry)->opening);
}

void nic_try_again(struct nic *nic)
{
    if (nic->rests) {
        nic->rests = false;
        ts_opening_begin(&nic->opening);
    }
}

ts_status_t nic_start(struct nic *nic, struct ts_loop *loop, ts_handle_t class_handle,
                      void (*attached)(struct nic *))
{
    nic->loop = loop;
    nic->attached = attached;
    nic->opening = (struct ts_opening){.loop = loop,
                                       .root = class_handle,
                                       .path = nic->name,
                                       .length = (uint32_t)strlen(nic->name),
                                       .rights = SESSION_RIGHTS,
                                       .deadline = TS_DEADLINE_NONE,
                                       .done = on_open};
    nic->attaching.done = on_attached;
    nic->watching_event.done = on_event;
    nic->watching_session.done = on_session;
    nic->retry.fired = on_retry;
    ts_status_t status = ts_event_create(0, &nic->event);
    if (status != TS_OK) {
        return status;
    }
    struct ts_submission *watch = ts_loop_begin(loop, &nic->watching_event);
    if (watch == NULL) {
        return TS_ERR_LIMIT;
    }
    ts_prepare_watch(watch, nic->event, TS_SIGNAL_READABLE, ts_async_data(&nic->watching_event));
    ts_opening_begin(&nic->opening);
    return TS_OK;
}
