// SPDX-License-Identifier: MIT
// Operations of a console's objects; session.c has those that begin and end sessions.
#include <drivers/console/console.h>

#include <tessera/proto/file.h>

static const struct ts_operations session_operations;

void console_open(struct console *c, struct ts_request *request)
{
    session_open(c, request, &session_operations);
}

// One more session of the same console.
static void on_open(struct ts_request *request)
{
    if (request->length != 0) {
        ts_request_reply(request, TS_ERR_NOT_FOUND, 0);
        return;
    }
    console_open(session_of(request)->console, request);
}

static bool may_not_wait(const struct ts_request *request)
{
    return (request->flags & TS_FLAG_NOWAIT) ||
           (session_of(request)->status_flags & TS_OPEN_NOWAIT);
}

static void on_read(struct ts_request *request)
{
    struct console *c = session_of(request)->console;
    if (request->room == 0) {
        ts_request_reply(request, TS_OK, 0);
        return;
    }
    if (may_not_wait(request) && (session_of(request) != c->holder || !tty_readable(&c->tty))) {
        ts_request_reply(request, TS_ERR_AGAIN, 0);
        return;
    }
    ts_request_list_add(&c->reads, request);
    c->device->poll(c);
}

// Writes what fits, without waiting.
static void write_now(struct console *c, struct ts_request *request)
{
    uint8_t bytes[512];
    size_t length = request->length < sizeof(bytes) ? request->length : sizeof(bytes);
    ts_status_t status = TS_ERR_AGAIN;
    size_t taken = 0;
    if (c->writes.first == NULL && console_writable(c)) {
        status = ts_request_pull(request, bytes, length, 0);
    }
    if (status == TS_OK) {
        taken = tty_write(&c->tty, bytes, length);
        c->last_piece = c->tty.out_head;
        c->statistics.bytes_out += taken;
    }
    ts_request_reply(request, status, taken);
    c->device->poll(c);
}

static void on_write(struct ts_request *request)
{
    struct console *c = session_of(request)->console;
    if (request->length == 0) {
        ts_request_reply(request, TS_OK, 0);
    } else if (may_not_wait(request)) {
        write_now(c, request);
    } else {
        request->span = 0; // bytes taken so far
        ts_request_list_add(&c->writes, request);
        c->device->poll(c);
    }
}

static void on_sync(struct ts_request *request)
{
    struct console *c = session_of(request)->console;
    console_sync(c, request);
    c->device->poll(c);
}

static void on_cancel(struct ts_request *request)
{
    struct console *c = session_of(request)->console;
    if (ts_request_list_remove(&c->writes, request)) {
        uint64_t done = request->span;
        ts_request_reply(request, done > 0 ? TS_OK : TS_ERR_CANCELLED, done);
    } else if (ts_request_list_remove(&c->reads, request) ||
               ts_request_list_remove(&c->syncs, request)) {
        ts_request_reply(request, TS_ERR_CANCELLED, 0);
    }
}

static void get_events(struct ts_request *request)
{
    struct console_session *session = session_of(request);
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
    struct console_session *session = session_of(request);
    struct console *c = session->console;
    switch (request->arg) {
    case TS_PROPERTY_CONSOLE_MODE: ts_request_reply_u64(request, c->tty.mode); break;
    case TS_PROPERTY_CONSOLE_WINDOW:
        ts_request_reply_bytes(request, &c->window, sizeof(c->window));
        break;
    case TS_PROPERTY_CONSOLE_EVENTS: get_events(request); break;
    case TS_PROPERTY_CONSOLE_STATISTICS:
        ts_request_reply_bytes(request, &c->statistics, sizeof(c->statistics));
        break;
    case TS_PROPERTY_STATUS_FLAGS: ts_request_reply_u64(request, session->status_flags); break;
    case TS_PROPERTY_ATTRIBUTES: get_attributes(request); break;
    default: ts_request_reply(request, TS_ERR_UNSUPPORTED, 0); break;
    }
}

static ts_status_t set_window(struct console_session *session, struct ts_request *request)
{
    struct console *c = session->console;
    struct ts_console_window window;
    ts_status_t status = ts_request_pull_exact(request, &window, sizeof(window));
    if (status != TS_OK) {
        return status;
    }
    c->window = window;
    for (struct console_session *other = c->sessions; other != NULL; other = other->next) {
        other->events |= other == session ? 0 : TS_CONSOLE_EVENT_WINDOW;
    }
    return TS_OK;
}

static ts_status_t set_number(struct console_session *session, struct ts_request *request)
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
        tty_set_mode(&session->console->tty, (uint32_t)value);
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
    struct console_session *session = session_of(request);
    struct console *c = session->console;
    ts_status_t status = TS_ERR_UNSUPPORTED;
    bool flags = request->arg == TS_PROPERTY_STATUS_FLAGS;
    if (!flags && !ts_request_has(request, TS_RIGHT_WRITE)) {
        status = TS_ERR_RIGHTS;
    } else if (!flags && session != c->holder) {
        status = TS_ERR_BUSY;
    } else if (request->arg == TS_PROPERTY_CONSOLE_WINDOW) {
        status = set_window(session, request);
    } else if (flags || request->arg == TS_PROPERTY_CONSOLE_MODE) {
        status = set_number(session, request);
    }
    ts_request_reply(request, status, 0);
    c->device->poll(c);
}

static const struct ts_operations session_operations = {
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
