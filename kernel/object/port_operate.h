// SPDX-License-Identifier: MIT
// What a server does with its port. reply and take differ in how their arguments travel: by system
// call they have structures in memory, in a submission everything is in the fields.
#pragma once

#include <object/port_object.h>

// In operation.flags, beside the TS_FLAG_* (which leave the bit free): it came by submission.
#define OPERATION_SUBMITTED 0x80u

// class->operate. For take by submission `aux` gets the event's flags.
TS_MUST_USE ts_status_t port_operate(struct object *object, struct operation *operation);

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
TS_MUST_USE ts_status_t port_object_reply(struct port_object *port, struct server_reply *reply,
                                          bool hand_over);
