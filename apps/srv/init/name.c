// SPDX-License-Identifier: MIT
// A name with a path leads to a part of what a service has: a client that may have only that part
// is not given the service's root.
#include "name.h"
#include <string.h>
#include "init.h"
#include "pool.h"

#define NAMES_MAX 512u

static struct pool names = POOL(struct name, NAMES_MAX);

static void name_open(struct ts_request *request)
{
    struct name *name = TS_OBJECT_OF(request->object, struct name, object);
    bool below = request->length > 0, whole = name->path[0] == '\0';
    struct broker_wish wish = {.target = name->target,
                               .path = name->path,
                               .root = whole && !below,
                               .cache = whole && below ? &name->session : NULL,
                               .redirect = below};
    broker_open(request, &wish);
}

static void name_get(struct ts_request *request)
{
    struct name *name = TS_OBJECT_OF(request->object, struct name, object);
    const char *text = name->target->name;
    if (request->arg == TS_PROPERTY_NAME) {
        ts_request_reply_bytes(request, text, strlen(text));
    } else {
        ts_request_reply(request, TS_ERR_UNSUPPORTED, 0);
    }
}

static void name_closed(struct ts_object *object)
{
    struct name *name = TS_OBJECT_OF(object, struct name, object);
    broker_forget(object);
    struct name **link = &name->target->names;
    while (*link != name) {
        link = &(*link)->next;
    }
    *link = name->next;
    ts_close(name->session.session);
    pool_put(&names, name);
}

static const struct ts_operations name_operations = {
    .open = name_open, .get = name_get, .cancel = broker_cancel, .closed = name_closed};

static void signal_name(struct name *name)
{
    bool ready = name->target->state == TS_INIT_READY_;
    ts_object_signal(&name->object, ready ? 0 : TS_SIGNAL_READABLE, ready ? TS_SIGNAL_READABLE : 0);
}

static void on_changed(struct service *service)
{
    for (struct name *name = service->names; name != NULL; name = name->next) {
        signal_name(name);
    }
}

const struct service_events name_events = {.changed = on_changed};

ts_status_t name_create(struct service *target, const char *path, ts_rights_t rights,
                        ts_handle_t *out_handle)
{
    struct name *name = pool_get(&names);
    if (name == NULL) {
        return TS_ERR_LIMIT;
    }
    name->object.operations = &name_operations;
    name->target = target;
    name->path = path;
    ts_status_t status = ts_object_mint(&init.server, &name->object, rights, out_handle);
    if (status != TS_OK) {
        pool_put(&names, name);
        return status;
    }
    name->next = target->names;
    target->names = name;
    signal_name(name);
    return TS_OK;
}
