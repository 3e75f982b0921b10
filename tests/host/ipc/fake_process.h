// SPDX-License-Identifier: MIT
// The fake kernel's processes: the one that runs, by what it has mapped, and the one that it makes,
// whose memory the test can look at.
#pragma once

#include "fake.h"

struct fake_mapping {
    uint64_t address, length, offset;
    unsigned char *bytes; // of the memory at `offset`
    unsigned flags;       // TS_MAP_*
};

struct fake_given {
    unsigned kind, rights;
    unsigned char *memory;
};

// A handle's number in the child: its place in `given`, and this.
#define FAKE_GIVEN 7000u

struct fake_child {
    bool made, killed, started;
    ts_handle_t job; // as the creator knows it
    char name[TS_NAME_MAX + 1];
    struct fake_mapping mappings[24], guard; // guard: what was protected last
    struct fake_given given[80];
    unsigned mapping_count, given_count;
    uint64_t entry, stack_top, argument, thread_pointer, priority;
};

extern struct fake_child fake_child;
extern unsigned fake_mapped; // mappings of the process that runs
extern unsigned fake_writes; // operations that wrote to memory
extern unsigned fake_maps;   // mappings made

// A thread that starts in the process that runs; its status, and NULL: none can be started.
extern ts_status_t (*fake_thread)(uint64_t entry, uint64_t stack_top, uint64_t argument,
                                  uint64_t thread_pointer);
// Where the running process' last mapping was protected, and how long.
extern uint64_t fake_guard, fake_guard_length;

// The child's mapping that has the address; NULL: none.
const struct fake_mapping *fake_child_at(uint64_t address);
