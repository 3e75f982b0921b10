// SPDX-License-Identifier: MIT
// The scalar types of addresses, and the page size that all of the kernel uses.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t paddr_t;    // physical address
typedef uint64_t vaddr_t;    // virtual address, of a user space or of the kernel
typedef uint64_t irqflags_t; // whether interrupts were on: opaque, from arch_irq_save()

#define PAGE_SHIFT 12
#define PAGE_SIZE  ((uint64_t)1 << PAGE_SHIFT)
#define PAGE_MASK  (PAGE_SIZE - 1)

#define CPU_MAX 64 // more than these are left off, with a log line
