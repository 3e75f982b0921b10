// SPDX-License-Identifier: MIT
// Operations, made from operation.def, and the flags of an operation.
#pragma once

#include <tessera/abi/right.h>
#include <tessera/abi/word.h>

enum ts_operation {
#define TS_OPERATION(NAME, name, number, ...) TS_OP_##NAME = (number),
#include <tessera/abi/operation.def>
#undef TS_OPERATION
    TS_OP_COUNT = 0
#define TS_OPERATION(...) +1
#include <tessera/abi/operation.def>
#undef TS_OPERATION
};

// What the columns of operation.def can be.
enum ts_op_answers {
    TS_ANSWERS_ANY,
    TS_ANSWERS_OBJECT,
    TS_ANSWERS_KERNEL,
    TS_ANSWERS_PORT,
    TS_ANSWERS_RING,
};

enum ts_op_payload {
    TS_PAYLOAD_NONE,
    TS_PAYLOAD_TO,
    TS_PAYLOAD_FROM,
    TS_PAYLOAD_PATH,
    TS_PAYLOAD_CALL,
    TS_PAYLOAD_WORD,
};

enum ts_op_arg {
    TS_ARG_NONE,
    TS_ARG_OPEN,
    TS_ARG_LENGTH,
    TS_ARG_PROPERTY,
    TS_ARG_METHOD,
    TS_ARG_SIGNALS,
    TS_ARG_HANDLE,
    TS_ARG_REQUEST,
    TS_ARG_OID,
    TS_ARG_TARGET,
    TS_ARG_VALUE,
};

enum ts_op_result { TS_RESULT_NONE, TS_RESULT_HANDLE, TS_RESULT_BYTES, TS_RESULT_VALUE };
enum ts_op_fast { TS_FAST_NONE, TS_FAST_BYTES, TS_FAST_HANDLE };

#define TS_FLAG_LINK    1u  // reserved: links of submissions are not offered yet
#define TS_FLAG_QUIET   2u  // no event unless it failed (rings)
#define TS_FLAG_MULTI   4u  // wait and timeout: further events until cancelled (rings)
#define TS_FLAG_NOWAIT  8u  // answer at once, or TS_ERR_AGAIN
#define TS_FLAG_VECTOR  16u // address is `length` x struct ts_segment, at most 16
#define TS_FLAG_CURRENT 32u // read, write: at the open object's current position
#define TS_FLAG_FORCE   64u // cancel: detach at once, without grace
#define TS_FLAGS_ALL    0x7fu

#define TS_CANCEL_GRACE_NS 100000000 // 100 ms between a polite cancel and detaching
