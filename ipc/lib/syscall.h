// SPDX-License-Identifier: MIT
// The system calls as functions, unchecked and untyped: what everything else here is made of.
//
// The stubs are in arch/<machine>/user/syscall.S, one for each line of syscall.def. They are
// ordinary functions: what a system call clobbers is what a function may clobber. Their arguments
// are described in <tessera/abi/syscall.h>. None of them touches memory of its own accord.
//
// The library's files have an order: each knows only those that stand in a line above its own, or
// before it.
//
//   stack_check  op  path  lines  listing  status  share  timer  request_list       stand alone
//   event  memory  name  port  process  request  resource                   operations, by noun
//   mutex  clock  bootstrap  random  log  session  canary  thread           one's own process
//   image  bootstrap_block  spawn  start  program                           others, and a beginning
//   loop                       one ring on which everything arrives, timers, an answer kept back
//   opening  server  local     an open by the loop; a port on it; its handlers without a port
#pragma once

#include <tessera/abi/operation.h>
#include <tessera/abi/syscall.h>
#include <tessera/abi/types.h>

// Both results. `status` is 0 or TS_ERR_* (enter: or the number of submissions taken).
struct ts_result {
    int64_t status;
    uint64_t value;
};

// ts_sys_NAME(): for each line of syscall.def, with the arguments that it names, as uint64_t.
// Words of several fields are made by <tessera/abi/word.h>: ts_op_word(), ts_create_word(),
// ts_priority_word(); ring_submit, ring_port and process_memory by ts_pair(). op blocks until its
// completion, at the longest until `deadline` and the grace of 100 ms for a server that has the
// request in its hands.
#define TS_PARAMETERS_0()                 void
#define TS_PARAMETERS_1(a)                uint64_t a
#define TS_PARAMETERS_2(a, b)             uint64_t a, uint64_t b
#define TS_PARAMETERS_3(a, b, c)          TS_PARAMETERS_2(a, b), uint64_t c
#define TS_PARAMETERS_4(a, b, c, d)       TS_PARAMETERS_3(a, b, c), uint64_t d
#define TS_PARAMETERS_5(a, b, c, d, e)    TS_PARAMETERS_4(a, b, c, d), uint64_t e
#define TS_PARAMETERS_6(a, b, c, d, e, f) TS_PARAMETERS_5(a, b, c, d, e), uint64_t f
#define TS_RETURNS_RESULT                 struct ts_result
#define TS_RETURNS_NEVER                  _Noreturn void
#define TS_SYSCALL(name, number, count, parameters, returns, meaning) \
    TS_RETURNS_##returns ts_sys_##name(TS_PARAMETERS_##count parameters);
#include <tessera/abi/syscall.def>
#undef TS_SYSCALL
#undef TS_RETURNS_NEVER
#undef TS_RETURNS_RESULT
#undef TS_PARAMETERS_6
#undef TS_PARAMETERS_5
#undef TS_PARAMETERS_4
#undef TS_PARAMETERS_3
#undef TS_PARAMETERS_2
#undef TS_PARAMETERS_1
#undef TS_PARAMETERS_0
