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
//   op  path  format  lines  listing  status  crc32c  elf  share  timer     what stands alone
//   event  memory  name  port  process  request  resource                   operations, by noun
//   archive  mutex  clock  bootstrap  random  log  session  thread          one's own process
//   bootstrap_block  spawn  start  program                                  others, and a beginning
//   loop                       one ring on which everything arrives, timers, an answer kept back
//   opening  server  local     an open by the loop; a port on it; its handlers without a port
#pragma once

#include <tessera/abi/operation.h>
#include <tessera/abi/syscall.h>
#include <tessera/abi/types.h>

// rax and rdx. `status` is 0 or TS_ERR_* (enter: or the number of submissions taken).
struct ts_result {
    int64_t status;
    uint64_t value;
};

// `word` is made by ts_op_word. Blocks until completion, at the longest until `deadline` and the
// grace of 100 ms for a server that has the request in its hands.
struct ts_result ts_sys_op(uint64_t word, uint64_t address, uint64_t length, uint64_t offset,
                           uint64_t arg, uint64_t deadline);
struct ts_result ts_sys_enter(uint64_t ring_submit, uint64_t wait_for, uint64_t deadline,
                              uint64_t upcall_mask);
struct ts_result ts_sys_reply_wait(uint64_t ring_port, uint64_t request, uint64_t status,
                                   uint64_t value, uint64_t address, uint64_t length);
// `word` is made by ts_create_word.
struct ts_result ts_sys_create(uint64_t word, uint64_t a, uint64_t b, uint64_t c);
struct ts_result ts_sys_map(uint64_t process_memory, uint64_t address, uint64_t length,
                            uint64_t offset, uint64_t flags);
struct ts_result ts_sys_unmap(uint64_t process, uint64_t address, uint64_t length);
struct ts_result ts_sys_protect(uint64_t process, uint64_t address, uint64_t length,
                                uint64_t flags);
struct ts_result ts_sys_process_clone(uint64_t flags);
struct ts_result ts_sys_thread_start(uint64_t process, uint64_t entry, uint64_t stack_top,
                                     uint64_t argument, uint64_t thread_pointer,
                                     uint64_t priority_flags);
_Noreturn void ts_sys_thread_exit(uint64_t clear_address);
struct ts_result ts_sys_futex_wait(uint64_t address, uint64_t expected, uint64_t deadline);
struct ts_result ts_sys_futex_wake(uint64_t address, uint64_t count);
struct ts_result ts_sys_upcall_return(uint64_t frame);
_Noreturn void ts_sys_process_exit(uint64_t status);
struct ts_result ts_sys_yield(void);
