// SPDX-License-Identifier: MIT
// Steps with what only drivers have (devices.h): domains, interrupts, ports, resources, and the
// bus's server. See step.h.
#include "devices.h"
#include "lane.h"
#include "shape.h"
#include "step.h"

#include <tessera/abi/object.h>

static void shape_ports(struct actor *actor, struct ts_submission *shape)
{
    static const uint8_t widths[] = {1, 2, 4, 4, 3, 8};
    shape_operation(actor, one_in(actor, 2) ? TS_OP_READ : TS_OP_WRITE, shape);
    shape->handle = pool_pick(actor, SORT_IO);
    shape->offset = one_in(actor, 8) ? some_number(actor) : below(actor, 10); // of the UART most
    shape->length = ONE_OF(actor, widths);
}

static void shape_interrupt(struct actor *actor, struct ts_submission *shape)
{
    static const uint8_t ops[] = {TS_OP_ACK, TS_OP_ACK, TS_OP_WAIT, TS_OP_GET, TS_OP_SIGNAL};
    shape_operation(actor, (enum ts_operation)ONE_OF(actor, ops), shape);
    shape->handle = pool_pick(actor, SORT_INTERRUPT);
    if (shape->op == TS_OP_WAIT) {
        shape->arg = TS_SIGNAL_READABLE | TS_SIGNAL_ERROR;
    }
}

static void shape_device(struct actor *actor, struct ts_submission *shape)
{
    static const uint8_t sorts[] = {SORT_DOMAIN, SORT_DOMAIN,   SORT_DOMAIN,
                                    SORT_IO,     SORT_RESOURCE, SORT_DEVICE};
    switch (below(actor, 4)) {
    case 0: shape_ports(actor, shape); break;
    case 1: shape_interrupt(actor, shape); break;
    default:
        shape_operation(actor, TS_OP_CALL, shape);
        shape_method_of(actor, (enum sort)ONE_OF(actor, sorts), shape);
        break;
    }
}

void step_device(struct actor *actor)
{
    struct ts_submission shape, *slot;
    if (pool_pick(actor, SORT_RESOURCE) == TS_HANDLE_NONE) {
        return;
    }
    if (one_in(actor, 4)) {
        unsigned lane = some_lane(actor);
        uint32_t count = 1 + (uint32_t)below(actor, 8);
        for (uint32_t i = 0; i < count; i++) {
            shape_device(actor, &shape);
            if ((slot = lane_slot(lane, i)) != NULL) {
                *slot = shape;
            }
        }
        lane_submit(actor, lane, count);
        return;
    }
    shape_device(actor, &shape);
    shape_call(actor, &shape);
}
