// SPDX-License-Identifier: MIT
// A network card between a chip (chip.h) and the client's frame rings (tessera/proto/frame.h). No
// frame is copied: the chip reads and writes the client's memory, the driver moves descriptions
// from one side's rings to the other's. (Of a chip that cannot, the driver copies: copy.h.)
//
// Both sides are strangers. What the client says is checked here, slot by slot, from a private
// copy. What the chip says is checked by its driver and here: each frame in flight is known by its
// token, which indexes private state.
//
// frame_card_work is the whole data path. It is called after any interrupt, doorbell or timer and
// does what there is to do, then asks both sides for a wake-up.
#pragma once

#include <drivers/frame/chip.h>
#include <tessera/ring/frame_queue.h>

// A frame in flight, by its token.
struct frame_held {
    uint32_t id;    // the client's
    uint16_t slots; // of the client's ring; 0 = the token is free
    uint16_t room;  // bytes, of a room
};

// One direction.
struct frame_direction {
    struct frame_held *held;
    uint32_t tokens;
    uint32_t in_hand; // slots taken from the client and not given back
    uint32_t entries; // of the client's ring
};

// The attached client's memory.
struct frame_memory {
    uint8_t *base; // of the rings, up to data_start; NULL = nobody is attached
    uint32_t size, data_start;
    uint64_t *bus; // the chip's address of each page from data_start on: the device's, or ours
};

struct frame_card {
    void *context; // of the chip's
    struct frame_direction rx, tx;
    struct frame_memory memory;
    struct ts_frame_driver rings;
    ts_time_t tx_progress;                   // when the chip last finished a frame
    uint64_t moved;                          // frames that the chip is done with
    struct ts_frame_information information; // link: as the client was told
    struct ts_frame_statistics statistics;
};

enum frame_outcome {
    FRAME_IDLE,         // wait for a doorbell, an interrupt, or TS_FRAME_DELAY_NS if frames are out
    FRAME_MORE,         // call again soon
    FRAME_CLIENT_BROKE, // the client broke the protocol: detach it
    FRAME_CHIP_BROKE,   // the chip did: frame_card_restart
};

// A card with a chip that is stopped. `information` is what the client is told: mac, mtu, features
// and depths; version and link are set here. TS_ERR_MEMORY.
TS_MUST_USE ts_status_t frame_card_init(struct frame_card *card, void *context, uint16_t rx_tokens,
                                        uint16_t tx_tokens,
                                        const struct ts_frame_information *information);

// Frees what it has; the chip is stopped. Zeroed structures are ignored.
void frame_card_fini(struct frame_card *card);

// Whether this is a geometry that can be served: 0, TS_ERR_VERSION, _ARGUMENT, _TOO_LARGE.
TS_MUST_USE ts_status_t frame_geometry(const struct ts_frame_attach *attach);

// Starts the chip for a client. `memory` becomes the card's until frame_card_detach; geometry was
// checked. Errors as of the chip's start: nobody is attached; frame_card_detach says whether the
// chip is at rest.
TS_MUST_USE ts_status_t frame_card_attach(struct frame_card *card,
                                          const struct frame_memory *memory,
                                          const struct ts_frame_attach *attach);

// Stops the chip. TS_ERR_IO: it does not let go of the memory, which must not be unpinned.
TS_MUST_USE ts_status_t frame_card_detach(struct frame_card *card);

// After FRAME_CHIP_BROKE: the chip is stopped, every frame in flight goes back as FAILED, and it is
// started anew.
TS_MUST_USE ts_status_t frame_card_restart(struct frame_card *card);

// Moves what can be moved. *out_ring: signal the client's event.
enum frame_outcome frame_card_work(struct frame_card *card, ts_time_t now, bool *out_ring);

// Looks at the link. True: it changed: signal the client's event.
bool frame_card_link_changed(struct frame_card *card);
