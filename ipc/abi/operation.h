// SPDX-License-Identifier: MIT
// Operations, made from operation.def, and the flags of an operation.
#pragma once

#include <tessera/abi/right.h>
#include <tessera/abi/word.h>

enum ts_operation {
#define TS_OPERATION(name, number, rights, target, meaning) TS_OP_##name = (number),
#include <tessera/abi/operation.def>
#undef TS_OPERATION
    TS_OP_COUNT = 32
};

#define TS_FLAG_LINK    1u  // reserved: links of submissions are not offered yet
#define TS_FLAG_QUIET   2u  // no event unless it failed (rings)
#define TS_FLAG_MULTI   4u  // wait and timeout: further events until cancelled (rings)
#define TS_FLAG_NOWAIT  8u  // answer at once, or TS_ERR_AGAIN
#define TS_FLAG_VECTOR  16u // address is `length` x struct ts_segment, at most 16
#define TS_FLAG_CURRENT 32u // read, write: at the open object's current position
#define TS_FLAG_FORCE   64u // cancel: detach at once, without grace
#define TS_FLAGS_ALL    0x7fu

#define TS_CANCEL_GRACE_NS 100000000 // 100 ms between a polite cancel and detaching
