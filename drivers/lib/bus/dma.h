// SPDX-License-Identifier: MIT
// Memory that a device reaches: allocated, mapped and pinned in its domain.
#pragma once

#include <tessera/lib/status.h>

// A piece of memory as a device sees it.
struct dma_segment {
    uint64_t address;
    uint32_t length;
};

struct dma_memory {
    void *address;
    uint64_t bus; // the device's address of it; contiguous
    size_t size;
    ts_handle_t memory, domain;
};

// Zero-filled, uncommonly large requests may fail: physically contiguous. TS_ERR_MEMORY,
// TS_ERR_LIMIT. The domain's handle stays the caller's.
TS_MUST_USE ts_status_t dma_memory_create(struct dma_memory *dma, ts_handle_t domain, size_t size);

// The device must not use it any more. Zeroed structures are ignored.
void dma_memory_destroy(struct dma_memory *dma);
