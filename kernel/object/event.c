// SPDX-License-Identifier: MIT
#include <stdatomic.h>
#include <object/event.h>

#include <object/body.h>
#include <object/transfer.h>
#include <tessera/abi/object.h>
#include <tessera/abi/signal.h>

ts_status_t event_create(struct account *account, uint64_t count, struct object **out_event)
{
    ts_status_t status;
    struct object *event = body_create(account, sizeof(*event), &event_class, &status);
    if (event == NULL) {
        return status;
    }
    if (count != 0) {
        object_signal(event, 0, 0, count);
    }
    *out_event = event;
    return TS_OK;
}

static void event_destroy(struct object *object)
{
    body_destroy(object, sizeof(*object));
}

static ts_status_t event_operate(struct object *object, struct operation *operation)
{
    switch (operation->op) {
    case TS_OP_SIGNAL:
        if ((operation->handle_rights & TS_RIGHT_WRITE) == 0) {
            return TS_ERR_RIGHTS;
        }
        object_signal(object, 0, 0, operation->arg);
        return TS_OK;
    case TS_OP_GET:
        if (operation->arg != TS_PROPERTY_EVENT_COUNT) {
            return TS_ERR_UNSUPPORTED;
        }
        return operation_get_u64(
            operation, atomic_load_explicit(TS_ATOMIC(&object->count), memory_order_relaxed));
    default: return TS_ERR_UNSUPPORTED;
    }
}

const struct object_class event_class = {
    .kind = TS_KIND_EVENT,
    .name = "event",
    .rights =
        TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_WAIT | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER,
    .destroy = event_destroy,
    .operate = event_operate,
};
