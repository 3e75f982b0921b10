// SPDX-License-Identifier: MIT
// Block devices: a served object with ordinary reads and writes.
//
//   read   offset and length are multiples of BLOCK_SIZE, else TS_ERR_ARGUMENT. Reads what lies
//          before the end: value is short there, 0 at the end and beyond.
//   write  the same; any part beyond the end is TS_ERR_RANGE and nothing is written; READ_ONLY:
//          TS_ERR_READ_ONLY. value = length, or the blocks written before a fault of the client.
//   sync   when it is done, every write that was complete when it was issued is durable. The
//          range is ignored: all is flushed.
//   get    TS_PROPERTY_SIZE (bytes) and those below.
//
// Any number of requests may be in flight (per session: the port's limit); they complete in any
// order, and overlapping ones are the client's to order. A client that cancels a request which
// the device works on waits for the device: the effect of a cancelled write is unknown. There is
// no current position: TS_FLAG_CURRENT is TS_ERR_UNSUPPORTED. TS_FLAG_NOWAIT is ignored by reads
// and writes: what a device does always takes time. TS_ERR_IO: the device failed the request, or
// was reset because it misbehaved; other requests go on.
#pragma once

#include <tessera/abi/object.h>

// u64 each, get only, unless said otherwise.
#define TS_PROPERTY_BLOCK_SIZE      (TS_PROPERTY_PROTOCOL_FIRST + 0) // bytes: 512 to 4096
#define TS_PROPERTY_BLOCK_READ_ONLY (TS_PROPERTY_PROTOCOL_FIRST + 1) // 1 or 0
#define TS_PROPERTY_BLOCK_IDENTITY  (TS_PROPERTY_PROTOCOL_FIRST + 2) // text, at most 20 bytes
#define TS_PROPERTY_BLOCK_TRANSFER \
    (TS_PROPERTY_PROTOCOL_FIRST + 3)                                  // bytes: best size of one
                                                                      // request; others are split
#define TS_PROPERTY_BLOCK_STATISTICS (TS_PROPERTY_PROTOCOL_FIRST + 4) // ts_block_statistics

struct ts_block_statistics {
    uint64_t reads, writes, flushes, errors;
    uint64_t bytes_read, bytes_written;
    uint64_t interrupts, resets; // resets: of a device that misbehaved
    uint64_t depth_peak;         // most device requests in flight at once
};
