// SPDX-License-Identifier: MIT
#include "listener.h"

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include <tessera/lib/op.h>
#include <tessera/lib/opening.h>
#include <tessera/lib/server.h>

#include "connection.h"
#include "httpd.h"
#include "serving.h"

#define FIRST_RETRY_NS (20 * TS_MILLISECOND) // init knows of the end by then, and lets us wait
#define RETRY_NS       (200 * TS_MILLISECOND)
#define SOCKET_RIGHTS \
    (TS_RIGHT_OPEN | TS_RIGHT_CALL | TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_SHARE)
#define SESSION_RIGHTS    SOCKET_RIGHTS
#define CONNECTION_RIGHTS (TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_CALL)

// The steps from nothing to listening, one operation each.
enum step { STEP_SESSION, STEP_SOCKET, STEP_REUSE, STEP_NO_DELAY, STEP_BIND, STEP_LISTEN, STEPS };

static struct {
    enum step step;
    struct ts_opening session;
    struct ts_async io;
    struct ts_async accepts[HTTPD_ACCEPTS];
    struct ts_timer retry, accept_retry;
    struct ts_call call;
    ts_handle_t network; // session of the network stack; another when that was restarted
    ts_handle_t socket;
    struct ts_net_option option;
    struct ts_net_address address;
    uint32_t backlog;
    bool told;
    bool paused; // there is no place for another connection
} listener;

static void take_step(void);

static void start_again(const char *what, ts_status_t status)
{
    ts_time_t delay = listener.told ? RETRY_NS : FIRST_RETRY_NS;
    if (!listener.told) {
        ts_log("%s: %s", what, ts_status_text(status));
    }
    listener.told = true;
    ts_close(listener.socket);
    ts_close(listener.network);
    listener.socket = listener.network = TS_HANDLE_NONE;
    listener.step = STEP_SESSION;
    ts_timer_arm(&httpd.loop, &listener.retry, ts_deadline_in(delay));
}

static void on_accept(struct ts_async *async, const struct ts_event *event);

static void accept_one(struct ts_async *accept)
{
    accept->done = on_accept;
    struct ts_submission *slot = ts_loop_begin(&httpd.loop, accept);
    if (slot != NULL) {
        ts_prepare_accept(slot, listener.socket, CONNECTION_RIGHTS, TS_DEADLINE_NONE,
                          ts_async_data(accept));
    }
}

static bool accepting(void)
{
    for (unsigned i = 0; i < HTTPD_ACCEPTS; i++) {
        if (listener.accepts[i].busy) {
            return true;
        }
    }
    return false;
}

static void on_accept(struct ts_async *async, const struct ts_event *event)
{
    if (event->status == TS_OK) {
        serving_start((ts_handle_t)event->value);
        if (connection_room()) {
            accept_one(async);
        } else {
            listener.paused = true; // until one has ended
        }
    } else if (event->status == TS_ERR_LIMIT) {
        // The stack or we have no place for it now; others will close.
        if (!listener.accept_retry.armed) {
            ts_timer_arm(&httpd.loop, &listener.accept_retry, ts_deadline_in(RETRY_NS));
        }
    } else if (!accepting() && listener.step == STEPS && !listener.accept_retry.armed) {
        start_again("accept", event->status); // the last of them: the stack is gone
    }
}

static void accept_all(struct ts_timer *timer)
{
    (void)timer;
    listener.paused = !connection_room();
    for (unsigned i = 0; i < HTTPD_ACCEPTS && listener.step == STEPS && !listener.paused; i++) {
        if (!listener.accepts[i].busy) {
            accept_one(&listener.accepts[i]);
        }
    }
}

// A connection has ended: what was not accepted for want of a place is.
static void on_place_free(void)
{
    if (listener.paused) {
        accept_all(NULL);
    }
}

static const char *const step_names[] = {"session", "socket", "option", "option", "bind", "listen"};

static void on_step(struct ts_async *async, const struct ts_event *event)
{
    (void)async;
    if (event->status != TS_OK) {
        start_again(step_names[listener.step], event->status);
        return;
    }
    if (listener.step == STEP_SOCKET) {
        listener.socket = (ts_handle_t)event->value;
    }
    listener.step++;
    if (listener.step < STEPS) {
        take_step();
        return;
    }
    listener.told = false;
    ts_log("serving on port %u", httpd.port);
    accept_all(NULL);
}

static void prepare_method(struct ts_submission *slot, uint32_t method, const void *in,
                           uint32_t length)
{
    listener.call = (struct ts_call){.in_address = (uintptr_t)in, .in_length = length};
    ts_prepare_call(slot, listener.socket, method, &listener.call, TS_DEADLINE_NONE,
                    ts_async_data(&listener.io));
}

static void prepare_option(struct ts_submission *slot, uint32_t name)
{
    listener.option = (struct ts_net_option){.name = name, .value = 1};
    prepare_method(slot, TS_NET_SET_OPTION, &listener.option, sizeof(listener.option));
}

static void take_step(void)
{
    static const char kind[] = TS_NET_TCP6;
    uint64_t data = ts_async_data(&listener.io);
    if (listener.step == STEP_SESSION) {
        ts_opening_begin(&listener.session);
        return;
    }
    struct ts_submission *slot = ts_loop_begin(&httpd.loop, &listener.io);
    if (slot == NULL) {
        start_again("ring", TS_ERR_LIMIT);
        return;
    }
    switch (listener.step) {
    case STEP_SOCKET:
        ts_prepare(slot, listener.network,
                   &(struct ts_op){.op = TS_OP_CREATE,
                                   .address = kind,
                                   .length = sizeof(kind) - 1,
                                   .arg = ts_open_arg(0, 0)},
                   data);
        slot->rights = SOCKET_RIGHTS;
        break;
    case STEP_REUSE: prepare_option(slot, TS_NET_OPTION_REUSE_ADDRESS); break;
    case STEP_NO_DELAY: prepare_option(slot, TS_NET_OPTION_NO_DELAY); break;
    case STEP_BIND:
        listener.address = (struct ts_net_address){.port = httpd.port};
        prepare_method(slot, TS_NET_BIND, &listener.address, sizeof(listener.address));
        break;
    default:
        listener.backlog = TS_NET_BACKLOG_MAX;
        prepare_method(slot, TS_NET_LISTEN, &listener.backlog, sizeof(listener.backlog));
        break;
    }
}

static void on_session(struct ts_opening *opening, ts_status_t status, ts_handle_t handle)
{
    (void)opening;
    if (status != TS_OK) {
        start_again(step_names[STEP_SESSION], status);
        return;
    }
    listener.network = handle;
    listener.step++;
    take_step();
}

static void on_retry(struct ts_timer *timer)
{
    (void)timer;
    take_step();
}

void listener_start(void)
{
    connection_init(on_place_free);
    listener.session = (struct ts_opening){.loop = &httpd.loop,
                                           .root = ts_named_handle(TS_NAME_NET),
                                           .path = "",
                                           .rights = SESSION_RIGHTS,
                                           .deadline = TS_DEADLINE_NONE,
                                           .done = on_session};
    listener.io.done = on_step;
    listener.retry.fired = on_retry;
    listener.accept_retry.fired = accept_all;
    take_step();
}
