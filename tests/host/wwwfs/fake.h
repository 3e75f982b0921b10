// SPDX-License-Identifier: MIT
// A disk with an archive, a loop that answers for it, and memory objects whose pages are counted.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tessera/lib/status.h>

extern uint8_t *disk_bytes;
extern uint64_t disk_size;
#define DISK_FIRST 10000u       // the handle of the first driver's session; others' follow
extern ts_status_t disk_status; // of the reads from now on
extern unsigned disk_reads;
extern unsigned disk_opened; // counted by the test: that driver lives, those before have died
extern bool disk_batch;      // what is begun now is submitted after the next step
extern unsigned disk_reads_when_sent; // those under way when a held answer went out

extern unsigned memory_objects; // with a handle or a mapping
extern unsigned memory_limit;   // most of them at the same time
uint64_t memory_pages(void);    // of all of them; a view has cost one

// What a view (or any handle) names, `*out_size` bytes of it.
const uint8_t *memory_bytes(ts_handle_t handle, size_t *out_size);
