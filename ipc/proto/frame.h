// SPDX-License-Identifier: MIT
// Network frames: the whole contract between a network card's driver and the one client (netd)
// that uses it. Ethernet frames without their check sequence travel through shared memory.
//
// Objects. A driver serves one root, which is also the session: GET the properties below, CALL
// the methods. One client may be attached at a time (TS_ERR_BUSY for a second session).
//
// Memory. The client makes one memory object, and gives it away at TS_FRAME_ATTACH. That the
// client owns it is what lets a connection outlive the driver: frames that TCP may have to send
// again stay where they are, and are attached again to the driver's next instance. Its layout
// follows from the geometry in the call alone, so that nothing in the memory itself is trusted:
//
//   0                          struct ts_frame_control: indices, link state
//   TS_FRAME_SLOTS             struct ts_frame_slot rx_fill[rx], rx_done[rx], tx_send[tx],
//                              tx_done[tx]
//   ts_frame_data_start()      the data: up to the memory's end, pinned in the device's domain
//
// Queues. Each direction has a pair of rings, single producer and single consumer:
//
//   rx_fill  client -> driver  room for one frame each: id, offset, length
//   rx_done  driver -> client  a frame: id of its room, length, flags
//   tx_send  client -> driver  a frame, as 1 to TS_FRAME_SEGMENTS slots, all but the last with MORE
//   tx_done  driver -> client  id of the frame's first slot: its memory is the client's again
//
// `id` is the client's own and comes back as it was; the client checks that it is one that it has
// outstanding. Completions come in any order. Data lies anywhere in the data area; room for
// reception does not cross a page and is at least TS_FRAME_ROOM_MIN long. Of each direction a
// client has at most as many slots outstanding as a ring has entries: from ts_frame_publish until
// it released (ts_frame_release) the completion, so that done rings never overflow.
//
// Reception. A card receives what is sent to its own address, to all, and to any group.
//
// Doorbells. As in queue.h; what is signalled is the other side's event. ipc/ring/frame_queue.h has
// both ends.
// tx_done slots may come up to TS_FRAME_DELAY_NS late where nothing else happens.
//
// Hostile peers. Each side reads the other's index and each slot once, into private memory, and
// checks the copy. Free lists and what is outstanding are kept in private memory. A client that
// breaks the rules is detached: its session object gets TS_SIGNAL_ERROR, calls on it give
// TS_ERR_PROTOCOL until it detaches. A client that finds the driver breaking them detaches.
//
// Restart. When the driver dies, the session object gets TS_SIGNAL_CLOSED. The client opens its
// named handle again, zeroes the control area, attaches the same memory, counts frames that were
// outstanding as sent (the network may lose frames) and fills rx_fill again. The memory is not
// touched by the old device any longer as soon as the new attach succeeded, and no earlier. When
// the client dies, the driver resets the device, unpins the memory and waits for the next one.
#pragma once

#include <assert.h>
#include <tessera/abi/object.h>
#include <tessera/abi/types.h>
#include <tessera/proto/queue.h>

#define TS_FRAME_VERSION 1u

#define TS_FRAME_ENTRIES_MIN 16u // of a ring; a power of two
#define TS_FRAME_ENTRIES_MAX 1024u
#define TS_FRAME_SEGMENTS    8u    // most slots of one frame
#define TS_FRAME_LENGTH_MAX  1514u // with the Ethernet header, without the check sequence
#define TS_FRAME_LENGTH_MIN  14u   // shorter frames are padded to 60 by the driver or device
#define TS_FRAME_ROOM_MIN    1536u // least length of an rx_fill slot
#define TS_FRAME_MEMORY_MAX  (64u << 20)
#define TS_FRAME_DELAY_NS    10000000 // 10 ms

// checksum_start + checksum_offset is below this: chips have 8 bits for the place.
#define TS_FRAME_CHECKSUM_END 254u

// Slot flags.
#define TS_FRAME_MORE 1u // tx_send: the frame goes on in the next slot
#define TS_FRAME_CHECKSUM \
    2u                             // tx_send, first slot: sum from checksum_start to the end is
                                   // to be put at checksum_start + checksum_offset, where the
                                   // pseudo-header's sum lies; needs TS_FRAME_FEATURE_CHECKSUM
#define TS_FRAME_CHECKSUM_VALID 4u // rx_done: the TCP or UDP checksum need not be verified
#define TS_FRAME_FAILED         8u // done: not sent, or nothing received; the memory is back

struct ts_frame_slot {
    uint32_t offset;         // bytes from the start of the memory
    uint16_t length, flags;  // bytes; TS_FRAME_*
    uint32_t id;             // the client's
    uint16_t checksum_start; // bytes from the start of the frame
    uint16_t checksum_offset;
};
static_assert(sizeof(struct ts_frame_slot) == 16, "frame slot");

struct ts_frame_control {
    struct ts_queue rx_fill, rx_done, tx_send, tx_done;
    uint32_t link; // the driver writes: 1 = up; a change rings the client's doorbell
    uint32_t reserved[127];
};
static_assert(sizeof(struct ts_frame_control) == 1024, "frame control");

#define TS_FRAME_SLOTS 1024u // offset of rx_fill's slots

// Properties, get only.
#define TS_PROPERTY_FRAME_INFORMATION (TS_PROPERTY_PROTOCOL_FIRST + 0) // ts_frame_information
#define TS_PROPERTY_FRAME_STATISTICS  (TS_PROPERTY_PROTOCOL_FIRST + 1) // ts_frame_statistics

#define TS_FRAME_FEATURE_CHECKSUM    1u // sends with TS_FRAME_CHECKSUM
#define TS_FRAME_FEATURE_RX_CHECKSUM 2u // may say TS_FRAME_CHECKSUM_VALID

struct ts_frame_information {
    uint32_t version;  // TS_FRAME_VERSION
    uint32_t features; // TS_FRAME_FEATURE_*
    uint8_t mac[6];
    uint16_t mtu;      // bytes after the Ethernet header
    uint32_t link;     // 1 = up
    uint32_t rx_depth; // buffers that the device holds at most; more in rx_fill wait there
    uint32_t tx_depth;
    uint32_t reserved;
};
static_assert(sizeof(struct ts_frame_information) == 32, "frame information");

struct ts_frame_statistics {
    uint64_t rx_frames, rx_bytes, rx_errors;
    uint64_t tx_frames, tx_bytes, tx_errors;
    uint64_t interrupts, doorbells; // received by the driver
    uint64_t attaches, resets;      // clients attached; resets of a device that misbehaved
};

// ATTACH: in: struct ts_frame_attach; in_handle[0] = memory (READ, WRITE, MAP), [1] = the client's
// event (WRITE), which the driver signals; out: struct ts_frame_information; out_handle[0] = the
// driver's event (WRITE), which the client signals.
// The driver's indices start at 0: the control area is all zero before, save that rx_fill may have
// been filled already. TS_ERR_BUSY attached already; TS_ERR_VERSION; TS_ERR_ARGUMENT the geometry
// or a handle is missing; TS_ERR_KIND not a memory, not an event; TS_ERR_TOO_LARGE more than
// TS_FRAME_MEMORY_MAX; TS_ERR_LIMIT the memory's job has no pages for all of it; TS_ERR_IO the
// device does not answer.
#define TS_FRAME_ATTACH 1u
// DETACH: nothing in or out. When it returns the device does not touch the memory any more.
// TS_ERR_NOT_CONNECTED not attached. Closing the session does the same.
#define TS_FRAME_DETACH 2u

struct ts_frame_attach {
    uint32_t version;
    uint32_t rx_entries, tx_entries; // slots of each ring of the pair
    uint32_t reserved;
    uint64_t memory_size; // bytes, a multiple of pages
};
static_assert(sizeof(struct ts_frame_attach) == 24, "frame attach");

// Where the data area starts: the first page after the slots.
static inline uint32_t ts_frame_data_start(uint32_t rx_entries, uint32_t tx_entries)
{
    uint32_t slots = 2 * (rx_entries + tx_entries);
    uint32_t bytes = TS_FRAME_SLOTS + slots * (uint32_t)sizeof(struct ts_frame_slot);
    return (bytes + TS_PAGE_SIZE - 1) & ~(TS_PAGE_SIZE - 1);
}
