// SPDX-License-Identifier: MIT
// A server's replies. They differ in how their arguments travel: by system call reply has a
// structure in memory, in a submission everything is in the fields, and reply_wait has registers.
#pragma once

#include <object/port.h>

// A reply as the server gives it: `moved` of the fields is made from the caller's handles.
struct server_reply {
    struct reply fields;
    uint64_t address; // bytes for the start of the client's range
    uint32_t length;
    ts_handle_t handles[TS_CALL_HANDLES]; // to be moved; 0 = none
};

// 0, or why the reply was not made, in which case the handles are where they were. A client whose
// memory faults is answered all the same, with TS_ERR_FAULT and no handles, and the server with
// TS_ERR_CLIENT_FAULT. With `hand_over` the client, if it is a thread, runs next on this CPU.
TS_MUST_USE ts_status_t server_reply_give(struct port *port, struct server_reply *reply,
                                          bool hand_over);

// The operation reply, in its two forms.
TS_MUST_USE ts_status_t server_reply_by_call(struct port *port, const struct operation *operation);
TS_MUST_USE ts_status_t server_reply_by_submission(struct port *port,
                                                   const struct operation *operation);
