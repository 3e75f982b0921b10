// SPDX-License-Identifier: MIT
// The members of a class are services, by their names; which there are only grows. A handle to the
// class leads to each of them, and to nothing else, as a named handle of that service would.
//
// READABLE tells that the class has changed since its list was last read from the start: a member
// came, one is ready or has ended for good. What it says is the handle's, so a program is told by
// its own.
#include "class.h"
#include <string.h>
#include <tessera/lib/listing.h>
#include "broker.h"
#include "init.h"
#include "pool.h"

#define CLASSES_MAX 64u

struct class {
    struct ts_object object;
    const char *name;
    struct class *next;
};

static struct pool classes = POOL(struct class, CLASSES_MAX);
static struct class *all;

static struct class *class_of(const struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct class, object);
}

static bool is_member(const struct service *service, const char *class_name)
{
    return config_is_of(service->config, class_name) && !service_is_kind(service);
}

static void class_list(struct ts_request *request)
{
    static _Alignas(8) char buffer[4096];
    struct class *class = class_of(request);
    struct ts_listing listing = {
        buffer, request->room < sizeof(buffer) ? request->room : sizeof(buffer), 0};
    bool room = true;
    if (request->offset == 0) {
        ts_object_signal(&class->object, TS_SIGNAL_READABLE, 0);
    }
    for (uint64_t i = request->offset; room && i < init.service_count; i++) {
        const struct service *service = &init.services[i];
        if (is_member(service, class->name)) {
            room = ts_listing_add(&listing, i + 1, TS_FILE_DEVICE, 0, i + 1, service->name,
                                  strlen(service->name));
        }
    }
    if (listing.used == 0 && !room) {
        ts_request_reply(request, TS_ERR_OVERFLOW, 0); // not even one entry fits
    } else {
        ts_request_reply_stable(request, buffer, listing.used);
    }
}

static void class_open(struct ts_request *request)
{
    char name[TS_NAME_MAX + 1];
    size_t length;
    if (request->length == 0) { // anew: the client's own, with the rights that it has
        (void)ts_request_reply_own(request, request->object, TS_RIGHTS_SAME);
        return;
    }
    ts_status_t status = ts_request_path(request, name, sizeof(name), &length);
    struct service *service = status == TS_OK ? service_named(name, length) : NULL;
    if (service == NULL || !is_member(service, class_of(request)->name)) {
        ts_request_reply(request, status != TS_OK ? status : TS_ERR_NOT_FOUND, 0);
        return;
    }
    struct broker_wish wish = {
        .target = service, .path = "", .root = true, .consumed = request->length};
    broker_open(request, &wish);
}

static void class_get(struct ts_request *request)
{
    const char *name = class_of(request)->name;
    if (request->arg == TS_PROPERTY_NAME) {
        ts_request_reply_bytes(request, name, strlen(name));
    } else {
        ts_request_reply(request, TS_ERR_UNSUPPORTED, 0);
    }
}

static void class_closed(struct ts_object *object)
{
    struct class *class = TS_OBJECT_OF(object, struct class, object);
    struct class **link = &all;
    broker_forget(object);
    while (*link != class) {
        link = &(*link)->next;
    }
    *link = class->next;
    pool_put(&classes, class);
}

static const struct ts_operations class_operations = {
    .open = class_open,
    .list = class_list,
    .get = class_get,
    .cancel = broker_cancel,
    .closed = class_closed,
};

static void on_changed(struct service *service)
{
    if (service->state != TS_INIT_READY_ && !service_rests(service)) {
        return;
    }
    for (struct class *class = all; class != NULL; class = class->next) {
        if (is_member(service, class->name)) {
            ts_object_signal(&class->object, 0, TS_SIGNAL_READABLE);
        }
    }
}

const struct service_events class_events = {.changed = on_changed};

ts_status_t class_create(const char *name, ts_rights_t rights, ts_handle_t *out_handle)
{
    struct class *class = pool_get(&classes);
    if (class == NULL) {
        return TS_ERR_LIMIT;
    }
    class->object.operations = &class_operations;
    class->name = name;
    ts_status_t status = ts_object_mint(&init.server, &class->object, rights, out_handle);
    if (status != TS_OK) {
        pool_put(&classes, class);
        return status;
    }
    class->next = all;
    all = class;
    ts_object_signal(&class->object, 0, TS_SIGNAL_READABLE);
    return TS_OK;
}
