// SPDX-License-Identifier: MIT
// An operation's arguments, by name: what an initialiser does not name is 0. It is the same record
// for both ways to ask, ts_op() of <tessera/lib/op.h> and ts_prepare() of <tessera/ring/prepare.h>;
// the operation's page in docs/abi says what each field means for it.
//
//   #include <tessera/lib/op.h>
//
//   static ts_status_t sync_range(ts_handle_t file, uint64_t from, uint64_t length)
//   {
//       return ts_op(file, &(struct ts_op){.op = TS_OP_SYNC, .offset = from, .arg = length}, NULL);
//   }
#pragma once

#include <tessera/abi/operation.h>
#include <tessera/abi/types.h>

struct ts_op {
    enum ts_operation op;
    unsigned flags;     // TS_FLAG_*
    ts_rights_t rights; // asked for a handle that results
    const void *address;
    size_t length;
    uint64_t offset, arg;
    ts_time_t deadline;
};
