// SPDX-License-Identifier: MIT
// Operations of a console's objects; session.c has those that begin and end sessions.
#include "service.h"

#include <tessera/proto/file.h>

static void on_open(struct ts_request *request)
{
    session_open(request, &serial_operations);
}

static bool may_not_wait(const struct ts_request *request)
{
    return (request->flags & TS_FLAG_NOWAIT) ||
           (session_of(request)->status_flags & TS_OPEN_NOWAIT);
}

static void on_read(struct ts_request *request)
{
    struct serial *s = session_of(request)->serial;
    if (request->room == 0) {
        ts_request_reply(request, TS_OK, 0);
        return;
    }
    if (may_not_wait(request) && (session_of(request) != s->holder || !tty_readable(&s->tty))) {
        ts_request_reply(request, TS_ERR_AGAIN, 0);
        return;
    }
    ts_request_list_add(&s->reads, request);
    serial_poll(s);
}

// Writes what fits, without waiting.
static void write_now(struct serial *s, struct ts_request *request)
{
    uint8_t bytes[512];
    size_t length = request->length < sizeof(bytes) ? request->length : sizeof(bytes);
    ts_status_t status = TS_ERR_AGAIN;
    size_t taken = 0;
    if (s->writes.first == NULL && serial_writable(s)) {
        status = ts_request_pull(request, bytes, length, 0);
    }
    if (status == TS_OK) {
        taken = tty_write(&s->tty, bytes, length);
        s->last_piece = s->tty.out_head;
        s->statistics.bytes_out += taken;
    }
    ts_request_reply(request, status, taken);
    serial_poll(s);
}

static void on_write(struct ts_request *request)
{
    struct serial *s = session_of(request)->serial;
    if (request->length == 0) {
        ts_request_reply(request, TS_OK, 0);
    } else if (may_not_wait(request)) {
        write_now(s, request);
    } else {
        request->span = 0; // bytes taken so far
        ts_request_list_add(&s->writes, request);
        serial_poll(s);
    }
}

static void on_sync(struct ts_request *request)
{
    struct serial *s = session_of(request)->serial;
    serial_sync(s, request);
    serial_poll(s);
}

static void on_cancel(struct ts_request *request)
{
    struct serial *s = session_of(request)->serial;
    if (ts_request_list_remove(&s->writes, request)) {
        uint64_t done = request->span;
        ts_request_reply(request, done > 0 ? TS_OK : TS_ERR_CANCELLED, done);
    } else if (ts_request_list_remove(&s->reads, request) ||
               ts_request_list_remove(&s->syncs, request)) {
        ts_request_reply(request, TS_ERR_CANCELLED, 0);
    }
}

static void get_events(struct ts_request *request)
{
    struct session *session = session_of(request);
    uint64_t events = session->events;
    // Told only if they arrive.
    if (request->room < sizeof(events)) {
        ts_request_reply(request, TS_ERR_OVERFLOW, 0);
    } else if (ts_request_reply_now(request, TS_OK, sizeof(events), &events, sizeof(events)) ==
               TS_OK) {
        session->events = 0;
        ts_object_signal(&session->object, TS_SIGNAL_CONSOLE_EVENT, 0);
    }
}

static void get_attributes(struct ts_request *request)
{
    struct ts_attributes attributes = {.type = TS_FILE_STREAM, .mode = 0620, .links = 1};
    ts_request_reply_bytes(request, &attributes, sizeof(attributes));
}

static void on_get(struct ts_request *request)
{
    struct session *session = session_of(request);
    struct serial *s = session->serial;
    switch (request->arg) {
    case TS_PROPERTY_CONSOLE_MODE: ts_request_reply_u64(request, s->tty.mode); break;
    case TS_PROPERTY_CONSOLE_WINDOW:
        ts_request_reply_bytes(request, &s->window, sizeof(s->window));
        break;
    case TS_PROPERTY_CONSOLE_EVENTS: get_events(request); break;
    case TS_PROPERTY_CONSOLE_STATISTICS:
        ts_request_reply_bytes(request, &s->statistics, sizeof(s->statistics));
        break;
    case TS_PROPERTY_STATUS_FLAGS: ts_request_reply_u64(request, session->status_flags); break;
    case TS_PROPERTY_ATTRIBUTES: get_attributes(request); break;
    default: ts_request_reply(request, TS_ERR_UNSUPPORTED, 0); break;
    }
}

static ts_status_t set_window(struct session *session, struct ts_request *request)
{
    struct serial *s = session->serial;
    struct ts_console_window window;
    ts_status_t status = ts_request_pull_exact(request, &window, sizeof(window));
    if (status != TS_OK) {
        return status;
    }
    s->window = window;
    for (struct session *other = s->sessions; other != NULL; other = other->next) {
        other->events |= other == session ? 0 : TS_CONSOLE_EVENT_WINDOW;
    }
    return TS_OK;
}

static ts_status_t set_number(struct session *session, struct ts_request *request)
{
    uint64_t value;
    ts_status_t status = ts_request_pull_exact(request, &value, sizeof(value));
    if (status != TS_OK) {
        return status;
    }
    if (request->arg == TS_PROPERTY_CONSOLE_MODE) {
        if (value & ~(uint64_t)TS_CONSOLE_MODE_COOKED) {
            return TS_ERR_ARGUMENT;
        }
        tty_set_mode(&session->serial->tty, (uint32_t)value);
        return TS_OK;
    }
    if (value & ~(uint64_t)(TS_OPEN_NOWAIT | TS_OPEN_APPEND)) {
        return TS_ERR_ARGUMENT;
    }
    session->status_flags = value;
    return TS_OK;
}

static void on_set(struct ts_request *request)
{
    struct session *session = session_of(request);
    struct serial *s = session->serial;
    ts_status_t status = TS_ERR_UNSUPPORTED;
    bool flags = request->arg == TS_PROPERTY_STATUS_FLAGS;
    if (!flags && !ts_request_has(request, TS_RIGHT_WRITE)) {
        status = TS_ERR_RIGHTS;
    } else if (!flags && session != s->holder) {
        status = TS_ERR_BUSY;
    } else if (request->arg == TS_PROPERTY_CONSOLE_WINDOW) {
        status = set_window(session, request);
    } else if (flags || request->arg == TS_PROPERTY_CONSOLE_MODE) {
        status = set_number(session, request);
    }
    ts_request_reply(request, status, 0);
    serial_poll(s);
}

// Sessions are what clients use; a root, which they are led to, makes them.
const struct ts_operations serial_root_operations = {.open = on_open};

const struct ts_operations serial_operations = {
    .open = on_open,
    .read = on_read,
    .write = on_write,
    .sync = on_sync,
    .get = on_get,
    .set = on_set,
    .call = session_call,
    .cancel = on_cancel,
    .closed = session_closed,
};
