// SPDX-License-Identifier: MIT
// System call numbers, made from syscall.def, and the layouts of their register arguments.
#pragma once

#include <tessera/abi/word.h>

enum ts_syscall {
#define TS_SYSCALL(name, number, meaning) TS_SYS_##name = (number),
#include <tessera/abi/syscall.def>
#undef TS_SYSCALL
    TS_SYS_COUNT = 15
};

// create: rdi = kind | flags << 8 | handle << 32, further arguments by kind:
//   PROCESS  handle = job; rsi = address of a name (<= TS_NAME_MAX bytes), rdx = its length
//   JOB      handle = parent job; rsi = pages, rdx = handles, r10 = threads (0 = the parent's)
//   MEMORY   handle = process that pays (MANAGE) or 0: the caller; rsi = bytes (rounded up to
//            pages); flags TS_MEMORY_*
//   RING     handle 0; rsi = submissions, rdx = events, r10 = records in flight
//   PORT     handle = inbox memory or 0; rsi = requests, rdx = objects, r10 = inbox bytes a request
//   EVENT    handle 0; rsi = initial count
// Result: rdx = the new handle, with all rights that its kind has.

#define TS_MEMORY_CONTIGUOUS 1u // physically contiguous, allocated at once (for devices)
#define TS_MEMORY_PRIVATE    2u // not inherited by a cloned process

// map: rdi = process or 0 | memory << 32, rsi = address or 0 (the kernel chooses), rdx = length,
// r10 = offset in the memory, r8 = TS_MAP_*. Result rdx = address.
// unmap: rdi = process or 0, rsi = address, rdx = length.
// protect: the same, r10 = TS_MAP_READ | WRITE | EXECUTE.
// The memory handle needs MAP and each of READ, WRITE, EXECUTE asked; the process handle MANAGE.
// WRITE and EXECUTE together is TS_ERR_ARGUMENT. A ring is mapped by its own handle, read-write.
#define TS_MAP_READ     1u
#define TS_MAP_WRITE    2u
#define TS_MAP_EXECUTE  4u
#define TS_MAP_FIXED    8u  // at the address exactly; TS_ERR_EXISTS when something is there
#define TS_MAP_POPULATE 16u // touch every page now
#define TS_MAP_STACK    32u // a stack: without an address, placed apart from all else

// User addresses. The lowest 64 KiB and the last page below 2^47 are never mapped.
#define TS_USER_BASE UINT64_C(0x0000000000010000)
#define TS_USER_END  UINT64_C(0x00007ffffffff000)

// thread_start: rdi = process or 0, rsi = entry, rdx = stack top, r10 = argument (its rdi),
// r8 = thread-pointer base, r9 = priority | flags << 8. Result rdx = thread handle.
// thread_exit: rdi = address of a u32 which becomes 0 and is woken as a futex, or 0.
// futex_wait: rdi = address, rsi = expected, rdx = deadline; TS_ERR_AGAIN when it differs.
// futex_wake: rdi = address, rsi = most to wake; rdx = woken.
// process_exit: rdi = status (32 bits).
#define TS_PRIORITY_IDLE    0u
#define TS_PRIORITY_NORMAL  16u
#define TS_PRIORITY_DRIVER  24u
#define TS_PRIORITY_MAX     31u
#define TS_PRIORITY_INHERIT 0xffu // thread_start: the starter's

// enter: rdi = ring | submit << 32, rsi = wait_for, rdx = deadline, r10 = upcall mask (0).
//   rax = submissions taken or a negative status, rdx = unread events.
// reply_wait: rdi = ring | port << 32, rsi = request id, rdx = status, r10 = value,
//   r8 = address, r9 = length (pushed to the start of the client's range). A request id of 0
//   answers nothing and only waits. rax = status, rdx = unread events.
#define TS_NAME_MAX 32u
