// SPDX-License-Identifier: MIT
// The object "init" of a service: where it hands in its root and its pulse, once.
#include "ready.h"
#include "init.h"
#include "pool.h"

struct ready {
    struct ts_object object;
    struct service *service;
    uint32_t instance;
};

static struct pool readies = POOL(struct ready, INIT_SERVICES * 4);

enum { ROOT, PULSE, HANDLES };

static ts_status_t take_handles(struct ts_request *request, ts_handle_t handles[HANDLES])
{
    if (request->in_handles != HANDLES) {
        return TS_ERR_ARGUMENT;
    }
    for (unsigned i = 0; i < HANDLES; i++) {
        struct ts_object *own;
        ts_rights_t rights;
        ts_status_t status = ts_request_take(request, i, &handles[i], &own, &rights);
        if (status != TS_OK || own != NULL) {
            return status != TS_OK ? status : TS_ERR_PROTOCOL; // init itself is nobody's service
        }
    }
    return TS_OK;
}

static void ready_call(struct ts_request *request)
{
    struct ready *ready = TS_OBJECT_OF(request->object, struct ready, object);
    struct service *service = ready->service;
    ts_handle_t handles[HANDLES] = {TS_HANDLE_NONE};
    ts_status_t status = TS_ERR_UNSUPPORTED;
    if (request->arg == TS_INIT_READY) {
        status = take_handles(request, handles);
    }
    if (status == TS_OK && (ready->instance != service->instance || !service_runs(service))) {
        status = TS_ERR_PEER_CLOSED; // its instance is gone, and has left the handle to another
    }
    if (status == TS_OK && service->root) {
        status = TS_ERR_EXISTS;
    }
    if (status != TS_OK) {
        ts_close(handles[ROOT]);
        ts_close(handles[PULSE]);
        ts_request_reply(request, status, 0);
        return;
    }
    ts_request_reply(request, TS_OK, 0);
    service_ready(service, handles[ROOT], handles[PULSE]);
}

static void ready_closed(struct ts_object *object)
{
    pool_put(&readies, TS_OBJECT_OF(object, struct ready, object));
}

static const struct ts_operations ready_operations = {.call = ready_call, .closed = ready_closed};

ts_status_t ready_create(struct service *service, ts_handle_t *out_handle)
{
    struct ready *ready = pool_get(&readies);
    if (ready == NULL) {
        return TS_ERR_LIMIT;
    }
    ready->object.operations = &ready_operations;
    ready->service = service;
    ready->instance = service->instance;
    ts_status_t status =
        ts_object_mint(&init.server, &ready->object, TS_RIGHT_CALL | TS_RIGHT_TRANSFER, out_handle);
    if (status != TS_OK) {
        pool_put(&readies, ready);
    }
    return status;
}
