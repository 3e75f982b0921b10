// SPDX-License-Identifier: MIT
// Sessions: their beginning, their owner, and their end, with which the terminal is handed on.
#include <drivers/console/console.h>

#include <stdlib.h>
#include <tessera/abi/kind.h>
#include <tessera/lib/process.h>

// A process handle that can be waited for.
static ts_status_t take_process(struct ts_request *request, ts_handle_t *out_process)
{
    struct ts_object *own;
    ts_rights_t rights;
    uint64_t kind, has;
    if (request->in_handles != 1) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status = ts_request_take(request, 0, out_process, &own, &rights);
    if (status != TS_OK || own != NULL) {
        return own != NULL ? TS_ERR_KIND : status;
    }
    status = ts_get_u64(*out_process, TS_PROPERTY_KIND, &kind);
    if (status == TS_OK) {
        status = ts_get_u64(*out_process, TS_PROPERTY_RIGHTS, &has);
    }
    if (status == TS_OK && kind != TS_KIND_PROCESS) {
        status = TS_ERR_KIND;
    } else if (status == TS_OK && !(has & TS_RIGHT_WAIT)) {
        status = TS_ERR_RIGHTS;
    }
    if (status != TS_OK) {
        ts_close(*out_process);
    }
    return status;
}

// OWN: the session ends with a process.
void session_call(struct ts_request *request)
{
    struct console_session *session = session_of(request);
    ts_status_t status = TS_ERR_UNSUPPORTED;
    ts_handle_t process = TS_HANDLE_NONE;
    if (request->arg == TS_CONSOLE_OWN) {
        status = !ts_request_has(request, TS_RIGHT_WRITE) ? TS_ERR_RIGHTS
                 : session->owner                         ? TS_ERR_EXISTS
                                                          : take_process(request, &process);
    }
    if (status == TS_OK) {
        session->owner = process;
    }
    ts_request_reply(request, status, 0);
    session->console->device->poll(session->console);
}

void session_open(struct console *c, struct ts_request *request,
                  const struct ts_operations *operations)
{
    struct console_session *session = calloc(1, sizeof(*session));
    if (session == NULL) {
        ts_request_reply(request, TS_ERR_MEMORY, 0);
        return;
    }
    session->object.operations = operations;
    session->console = c;
    session->status_flags = request->arg & TS_OPEN_NOWAIT;
    if (ts_request_reply_mint(request, &session->object, request->rights, 0) != TS_OK) {
        free(session);
        return;
    }
    session->next = c->sessions;
    c->sessions = session;
    c->holder = c->holder != NULL ? c->holder : session;
    c->device->poll(c);
}

// ---- Its end

// Answers what a session that ends has left in a list.
static void drop_requests(struct ts_request_list *list, const struct console_session *session)
{
    struct ts_request *next;
    for (struct ts_request *r = list->first; r != NULL; r = next) {
        next = r->next;
        if (r->object == &session->object && ts_request_list_remove(list, r)) {
            ts_request_reply(r, TS_ERR_CANCELLED, 0);
        }
    }
}

// It has the terminal no more, nor anything that waits.
static void leave(struct console_session *session)
{
    struct console *c = session->console;
    drop_requests(&c->reads, session);
    drop_requests(&c->writes, session);
    drop_requests(&c->syncs, session);
    for (struct console_session **at = &c->sessions; *at != NULL; at = &(*at)->next) {
        if (*at == session) {
            *at = session->next;
            break;
        }
    }
    if (c->holder == session) {
        struct console_session *oldest = c->sessions;
        while (oldest != NULL && oldest->next != NULL) {
            oldest = oldest->next;
        }
        c->holder = oldest;
    }
    c->watched = c->watched == session ? NULL : c->watched;
    ts_close(session->owner);
    session->owner = TS_HANDLE_NONE;
}

void session_closed(struct ts_object *object)
{
    struct console_session *session = TS_OBJECT_OF(object, struct console_session, object);
    struct console *c = session->console;
    leave(session);
    free(session);
    c->device->poll(c);
}

static void on_ended_closed(struct ts_object *object)
{
    free(TS_OBJECT_OF(object, struct console_session, object));
}

// What was asked before its end and arrives after it.
static void on_ended(struct ts_request *request)
{
    ts_request_reply(request, TS_ERR_PEER_CLOSED, 0);
}

static const struct ts_operations ended_operations = {
    .open = on_ended,
    .read = on_ended,
    .write = on_ended,
    .sync = on_ended,
    .get = on_ended,
    .set = on_ended,
    .call = on_ended,
    .closed = on_ended_closed,
};

// Its handles, which there may be still, are of no use from now on.
static void session_end(struct console_session *session)
{
    leave(session);
    session->object.operations = &ended_operations;
    ts_object_revoke(&session->object);
}

void session_owner_done(struct ts_async *async, const struct ts_event *event)
{
    struct console *c = TS_OBJECT_OF(async, struct console, owner_wait);
    struct console_session *session = c->watched;
    c->watched = NULL;
    if (session != NULL && event->status == TS_OK) {
        session_end(session);
    } else if (session != NULL) {
        ts_close(session->owner); // it cannot be waited for
        session->owner = TS_HANDLE_NONE;
    }
    c->device->poll(c);
}
