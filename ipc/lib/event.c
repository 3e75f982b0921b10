// SPDX-License-Identifier: MIT
#include <tessera/lib/event.h>

ts_status_t ts_event_create(uint64_t count, ts_handle_t *out_event)
{
    struct ts_result result =
        ts_sys_create(ts_create_word(TS_KIND_EVENT, 0, TS_HANDLE_NONE), count, 0, 0);
    if (result.status == TS_OK) {
        *out_event = (ts_handle_t)result.value;
    }
    return (ts_status_t)result.status;
}

ts_status_t ts_event_signal(ts_handle_t event, uint64_t add)
{
    struct ts_result result =
        ts_sys_op(ts_op_word(TS_OP_SIGNAL, 0, 0, event), 0, 0, 0, add, TS_DEADLINE_NONE);
    return (ts_status_t)result.status;
}

ts_status_t ts_event_wait(ts_handle_t event, ts_time_t deadline, uint64_t *out_count)
{
    struct ts_result result = ts_sys_op(ts_op_word(TS_OP_WAIT, 0, 0, event), 0, 0, 0,
                                        TS_SIGNAL_READABLE, (uint64_t)deadline);
    if (result.status == TS_OK) {
        *out_count = result.value;
    }
    return (ts_status_t)result.status;
}

ts_status_t ts_interrupt_acknowledge(ts_handle_t interrupt)
{
    return ts_op(interrupt, &(struct ts_op){.op = TS_OP_ACK}, NULL);
}
