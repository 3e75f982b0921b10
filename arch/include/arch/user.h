// SPDX-License-Identifier: MIT
// Reading and writing the memory of the current user space.
//
// A bad address is an error, never a panic. With interrupts on, a fault is first offered to
// kernel_page_fault(), which may make the page present (zero-fill); the copy then goes on. With
// interrupts off (inside a non-preemptible section, so under any spin lock) nothing is resolved:
// the copy fails with TS_ERR_FAULT at once, and the caller tries again on a path that may fault.
#pragma once

#include <tessera/abi/types.h>
#include <arch/space.h>
#include <arch/types.h>

// TS_ERR_FAULT: the range is not of user addresses, or a page cannot be had; part of the copy may
// have been done.
TS_MUST_USE ts_status_t copy_from_user(void *to, vaddr_t from, size_t length);
TS_MUST_USE ts_status_t copy_to_user(vaddr_t to, const void *from, size_t length);

// One word, read or written by one instruction (so never torn); must be naturally aligned, else
// TS_ERR_FAULT.
TS_MUST_USE ts_status_t get_user_u8(uint8_t *out_value, vaddr_t from);
TS_MUST_USE ts_status_t get_user_u32(uint32_t *out_value, vaddr_t from);
TS_MUST_USE ts_status_t get_user_u64(uint64_t *out_value, vaddr_t from);
TS_MUST_USE ts_status_t put_user_u8(vaddr_t to, uint8_t value);
TS_MUST_USE ts_status_t put_user_u32(vaddr_t to, uint32_t value);
TS_MUST_USE ts_status_t put_user_u64(vaddr_t to, uint64_t value);

// *out_old = what was there; it becomes `desired` if that was `expected`. Atomic, full fence.
TS_MUST_USE ts_status_t compare_exchange_user_u32(vaddr_t at, uint32_t expected, uint32_t desired,
                                                  uint32_t *out_old);

// Batches on ring headers and entries: between begin and end user memory is accessible, and only
// the user_* accessors below may be used (inline, one instruction each; they jump to `fault` on
// a bad page, where user_access_end() has to be called as well). The caller has checked the range
// with arch_user_range_ok(). Keep it short; never call anything in between.
//
//     static bool copy_word(vaddr_t to, vaddr_t from)
//     {
//         uint32_t value;
//         user_access_begin();
//         user_read_u32(value, from, fault); // or user_read_u64
//         user_write_u32(to, value, fault);  // or user_write_u64
//         user_access_end();
//         return true;
//     fault:
//         user_access_end();
//         return false;
//     }
#include <machine/user.h>
