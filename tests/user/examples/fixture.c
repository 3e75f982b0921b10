// SPDX-License-Identifier: MIT
// See fixture.h.
#include "fixture.h"

ts_status_t pair_create(struct pair *pair)
{
    ts_status_t status = ts_ring_create(&pair->ring, 8, 16, 8);
    if (status != TS_OK) {
        return status;
    }
    status = ts_port_create(4, 4, TS_HANDLE_NONE, 0, &pair->port);
    if (status != TS_OK) {
        goto no_port;
    }
    status = ts_port_bind(pair->port, pair->ring.handle, 0);
    if (status == TS_OK) {
        status = ts_port_mint(pair->port, 0, 1, TS_RIGHTS_ALL, &pair->object);
    }
    if (status == TS_OK) {
        return TS_OK;
    }
    ts_close(pair->port);
no_port:
    ts_ring_destroy(&pair->ring);
    return status;
}

void pair_destroy(struct pair *pair)
{
    ts_close(pair->port);
    ts_close(pair->object);
    ts_ring_destroy(&pair->ring);
}

ts_status_t pair_event(struct pair *pair, enum ts_event_kind kind, struct ts_event *out_event)
{
    for (;;) {
        while (ts_ring_next(&pair->ring, out_event)) {
            if (out_event->kind == kind) {
                return TS_OK;
            }
        }
        ts_status_t status = ts_ring_enter(&pair->ring, 1, ts_deadline_in(5 * TS_SECOND));
        if (status != TS_OK) {
            return status;
        }
    }
}
