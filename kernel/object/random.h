// SPDX-License-Identifier: MIT
// The random generator: ChaCha20 (RFC 8439) with fast key erasure, seeded by the CPU's generator
// and by jitter of its counter; what programs write is mixed in and never trusted.
#pragma once

#include <core/object.h>
#include <stddef.h>

// Any context; a few hundred instructions for each 64 bytes, at most 4 KiB at a time.
void random_bytes(void *out_bytes, size_t length);
uint64_t random_u64(void);

// What a new thread's kernel frames end with (struct arch_thread).
uint64_t random_canary(void);

// Before anything uses it; early in boot.
void random_init(void);

// The one random object: a reference for a new handle.
struct object *random_object_get(void);
