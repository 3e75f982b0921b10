// SPDX-License-Identifier: MIT
// A virtio block device (VIRTIO 1.2 section 5.2): pieces of at most BLOCK_PIECE bytes between its
// queue and DMA buffers of the driver's. What is asked in larger pieces is service.c's to split.
//
// A piece occupies a slot: a buffer, a header and a status byte. Slots, and which chain of
// descriptors carries which, are private; the device's word is taken for the status and the data.
#pragma once

#include <drivers/virtio/device.h>
#include <tessera/proto/block.h>

#define BLOCK_SECTOR      512u
#define BLOCK_PIECE       32768u
#define BLOCK_SLOTS       32u
#define BLOCK_SLOTS_LEAST 2u
#define BLOCK_QUEUE_SIZE  128u // 3 descriptors a slot
#define BLOCK_QUEUE_LEAST 4u
#define BLOCK_STALL_NS    INT64_C(30000000000) // without any answer

enum block_operation {
    BLOCK_READ = 0, // the device's numbers
    BLOCK_WRITE = 1,
    BLOCK_FLUSH = 4,
    BLOCK_IDENTITY = 8,
};

struct block_slot {
    struct dma_memory buffer;
    void *owner;   // that is told of its end; NULL = free
    uint64_t done; // the owner's
    uint32_t length;
    enum block_operation operation;
    uint16_t head;
    uint8_t next_free;
};

struct block {
    struct virtio_device *device;
    ts_handle_t domain;
    uint16_t vector, change_vector;
    struct virtio_queue queue;
    struct dma_memory control; // headers and status bytes, by slot
    struct block_slot slots[BLOCK_SLOTS];
    uint8_t by_head[BLOCK_QUEUE_SIZE]; // slot of a chain
    unsigned slot_count, used;
    uint8_t free;        // BLOCK_SLOTS = none
    uint64_t size;       // bytes
    uint32_t block_size; // bytes
    bool read_only, flushes;
    char identity[21];  // ends in zero
    ts_time_t progress; // when the device last answered
    struct ts_block_statistics statistics;
};

// Sets the device up, running. Errors as virtio_*; TS_ERR_CORRUPT: its geometry makes no sense.
TS_MUST_USE ts_status_t block_init(struct block *block, struct virtio_device *device,
                                   ts_handle_t domain, uint16_t vector, uint16_t change_vector);

// Frees everything; the device was reset.
void block_fini(struct block *block);

// A free slot for `owner`, or NULL: no slot or no room in the queue.
struct block_slot *block_take(struct block *block, void *owner);
void block_give(struct block *block, struct block_slot *slot);

// Starts what the slot is to do: `length` bytes (of its buffer) at byte `offset`, both multiples of
// the block size, within the device; 0 for a flush. Shown to the device by block_kick.
void block_start(struct block *block, struct block_slot *slot, enum block_operation operation,
                 uint64_t offset, uint32_t length);
void block_kick(struct block *block);

// The next slot that the device is done with: *out_status 0, TS_ERR_IO or TS_ERR_UNSUPPORTED.
// TS_ERR_AGAIN: none; TS_ERR_PROTOCOL: the device broke the protocol: block_stop, block_resume.
TS_MUST_USE ts_status_t block_next(struct block *block, struct block_slot **out_slot,
                                   ts_status_t *out_status);

// Asks for an interrupt at the next answer. False: it is there already.
bool block_sleep(struct block *block);

// Whether the device asks for a reset or has been silent for too long.
bool block_stuck(const struct block *block, ts_time_t now);

// Resets the device: it does not touch any slot any more. TS_ERR_IO: it does not stop. Then the
// caller gives all slots back, and starts the device anew.
TS_MUST_USE ts_status_t block_stop(struct block *block);
TS_MUST_USE ts_status_t block_resume(struct block *block);

// Reads the identity string, waiting for it: before anything else is started. A device that has
// none is fine; one that does not answer is TS_ERR_IO.
TS_MUST_USE ts_status_t block_identify(struct block *block);
