// SPDX-License-Identifier: MIT
// System call numbers, made from syscall.def, and the layouts of their register arguments: a1 to
// a6, with the results `status`, which is not said where it is only that, and `value`.
#pragma once

#include <tessera/abi/word.h>
#include <tessera/machine/address.h>

enum ts_syscall {
#define TS_SYSCALL(name, number, ...) TS_SYS_##name = (number),
#include <tessera/abi/syscall.def>
#undef TS_SYSCALL
    TS_SYS_COUNT = 0
#define TS_SYSCALL(...) +1
#include <tessera/abi/syscall.def>
#undef TS_SYSCALL
};

// create: a1 = kind | flags << 8 | handle << 32, further arguments by kind:
//   PROCESS  handle = job; a2 = address of a name (<= TS_NAME_MAX bytes), a3 = its length
//   JOB      handle = parent job; a2 = pages, a3 = handles, a4 = threads (0 = the parent's)
//   MEMORY   handle = process that pays (MANAGE) or 0: the caller; a2 = bytes (rounded up to
//            pages); flags TS_MEMORY_*
//   RING     handle 0; a2 = submissions, a3 = events, a4 = records in flight
//   PORT     handle = inbox memory or 0; a2 = requests, a3 = objects, a4 = inbox bytes a request
//   EVENT    handle 0; a2 = initial count
// Result: value = the new handle, with all rights that its kind has.

#define TS_MEMORY_CONTIGUOUS 1u // physically contiguous, allocated at once (for devices)
#define TS_MEMORY_PRIVATE    2u // not inherited by a cloned process

// map: a1 = process or 0 | memory << 32, a2 = address or 0 (the kernel chooses), a3 = length,
// a4 = offset in the memory, a5 = TS_MAP_*. Result value = address.
// unmap: a1 = process or 0, a2 = address, a3 = length.
// protect: the same, a4 = TS_MAP_READ | WRITE | EXECUTE.
// The memory handle needs MAP and each of READ, WRITE, EXECUTE asked; the process handle MANAGE.
// WRITE and EXECUTE together is TS_ERR_ARGUMENT. A ring is mapped by its own handle, read-write.
#define TS_MAP_READ     1u
#define TS_MAP_WRITE    2u
#define TS_MAP_EXECUTE  4u
#define TS_MAP_FIXED    8u  // at the address exactly; TS_ERR_EXISTS when something is there
#define TS_MAP_POPULATE 16u // touch every page now
#define TS_MAP_STACK    32u // a stack: without an address, placed apart from all else

// thread_start: a1 = process or 0, a2 = entry, a3 = stack top, a4 = argument (its a1),
// a5 = thread-pointer base, a6 = priority | flags << 8. Result value = thread handle.
// thread_exit: a1 = address of a u32 which becomes 0 and is woken as a futex, or 0.
// futex_wait: a1 = address, a2 = expected, a3 = deadline; TS_ERR_AGAIN when it differs.
// futex_wake: a1 = address, a2 = most to wake; value = woken.
// process_exit: a1 = status (32 bits).
#define TS_PRIORITY_IDLE    0u
#define TS_PRIORITY_NORMAL  16u
#define TS_PRIORITY_DRIVER  24u
#define TS_PRIORITY_MAX     31u
#define TS_PRIORITY_INHERIT 0xffu // thread_start: the starter's

// enter: a1 = ring | submit << 32, a2 = wait_for, a3 = deadline, a4 = upcall mask (0).
//   status = submissions taken or a negative status, value = unread events.
// reply_wait: a1 = ring | port << 32, a2 = request id, a3 = status, a4 = value,
//   a5 = address, a6 = length (pushed to the start of the client's range). A request id of 0
//   answers nothing and only waits. status, value = unread events.
#define TS_NAME_MAX 32u
