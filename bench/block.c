// SPDX-License-Identifier: MIT
// block DEPTH COUNT: reads COUNT random blocks from the disk (the first of the handle "disks"),
// DEPTH at a time.
//
// The blocks of the disk's one file begin with their number in it (./tessera bench makes it so);
// where on the disk the file begins is seen from a block in the midst. Each read is checked.
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/op.h>
#include <tessera/proto/block.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>

#define BLOCK     4096u
#define DEPTH_MAX 32u

static uint64_t buffers[DEPTH_MAX][BLOCK / sizeof(uint64_t)] __attribute__((aligned(BLOCK)));
static uint64_t expected[DEPTH_MAX]; // the number of the block that is being read
static ts_handle_t disk;
static uint64_t blocks, shift; // on the disk; disk block - number in the file

// The middle half of the disk: a random block, by a fixed sequence.
static uint64_t next_block(void)
{
    static uint64_t state = 1;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return blocks / 4 + state * UINT64_C(0x2545f4914f6cdd1d) % (blocks / 2);
}

static void check(uint32_t slot, uint64_t bytes)
{
    if (bytes != BLOCK || buffers[slot][0] != expected[slot]) {
        measure_need(TS_ERR_CORRUPT, "read");
    }
}

static void open_disk(void)
{
    uint64_t size;
    size_t bytes;
    measure_need(ts_open(ts_named_handle("disks"), "virtio-blk:0", 0, TS_RIGHTS_SAME, &disk),
                 "open the disk");
    measure_need(ts_get_u64(disk, TS_PROPERTY_SIZE, &size), "its size");
    blocks = size / BLOCK;
    measure_need(blocks >= 1024 ? TS_OK : TS_ERR_TOO_LARGE, "a disk of some MiB");
    measure_need(ts_read(disk, buffers[0], BLOCK, blocks / 2 * BLOCK, TS_DEADLINE_NONE, &bytes),
                 "read");
    shift = blocks / 2 - buffers[0][0];
}

static void read_one_by_one(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t block = next_block();
        size_t bytes;
        expected[0] = block - shift;
        measure_need(ts_read(disk, buffers[0], BLOCK, block * BLOCK, TS_DEADLINE_NONE, &bytes),
                     "read");
        check(0, bytes);
    }
}

static void stage(struct ts_ring_queue *ring, uint32_t slot)
{
    uint64_t block = next_block();
    expected[slot] = block - shift;
    ts_prepare_read(ts_ring_slot(ring), disk, buffers[slot], BLOCK, block * BLOCK, TS_DEADLINE_NONE,
                    slot);
}

// Always `depth` in flight: what has come is asked for anew before the next wait.
static void read_by_ring(uint32_t depth, uint32_t count)
{
    struct ts_ring_queue ring;
    struct ts_event event;
    measure_need(ts_ring_create(&ring, DEPTH_MAX, 2 * DEPTH_MAX, DEPTH_MAX), "ring");
    uint32_t staged = 0, done = 0;
    for (; staged < depth && staged < count; staged++) {
        stage(&ring, staged);
    }
    while (done < count) {
        measure_need(ts_ring_enter(&ring, 1, TS_DEADLINE_NONE), "wait");
        while (ts_ring_next(&ring, &event)) {
            measure_need(event.status, "read");
            check((uint32_t)event.user_data, event.value);
            done++;
            if (staged < count) {
                stage(&ring, (uint32_t)event.user_data);
                staged++;
            }
        }
    }
    ts_ring_destroy(&ring);
}

int main(int argc, char **argv)
{
    uint32_t depth = argc == 3 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    uint32_t count = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    if (depth < 1 || depth > DEPTH_MAX || count == 0) {
        fprintf(stderr, "usage: block DEPTH COUNT (depth: 1 to %u)\n", DEPTH_MAX);
        return 2;
    }
    open_disk();
    if (depth == 1) {
        read_one_by_one(count);
    } else {
        read_by_ring(depth, count);
    }
    printf("read %u blocks\n", count);
    return 0;
}
