// SPDX-License-Identifier: MIT
// What the parts of the fake kernel share: handles, and which part deals with which call.
#pragma once

#include "fake_process.h"

#define FAKE_HANDLES 256u

struct fake_handle {
    unsigned kind; // enum ts_kind, 0 = free
    unsigned rights;
    unsigned char *memory;
    uint64_t size;
};

extern struct fake_handle fake_handles[FAKE_HANDLES];

struct ts_result fake_ok(uint64_t value);
struct ts_result fake_error(ts_status_t status);
bool fake_refuses(void); // this call is the one that fails

struct ts_result fake_add(struct fake_handle handle);
struct ts_result fake_make(unsigned kind, uint64_t size); // with memory, unless size is 0

void fake_process_reset(void);
struct ts_result fake_process_create(ts_handle_t job, const char *name, size_t length);
// Operations on memory, processes, and what all objects answer.
struct ts_result fake_object_op(unsigned op, unsigned rights, ts_handle_t handle, uint64_t address,
                                uint64_t length, uint64_t offset, uint64_t arg);
