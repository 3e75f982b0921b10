// SPDX-License-Identifier: MIT
// What the driver of a network card says of its chip: registers, rings and interrupts. All else,
// the client and its memory, is card.h's.
//
// Each frame that the chip has is known by a number of the chip's, its token: below rx_tokens or
// tx_tokens of the card, and no other frame's of that direction meanwhile. What the chip says of a
// frame is read once and checked by the driver as far as its rings tell; that the token is one that
// is out, and that no more came than there was room for, is checked by the card as well.
#pragma once

#include <drivers/bus/dma.h>
#include <stdbool.h>
#include <string.h>
#include <tessera/proto/frame.h>

#define FRAME_PIECES (2u * TS_FRAME_SEGMENTS) // of a frame: each of its slots may cross a page

// A frame to send. The first and the last segment are the chip's: for a header of its own, and for
// what a short frame is padded with.
struct frame_to_send {
    struct dma_segment segments[FRAME_PIECES + 2]; // the frame begins at [1]
    unsigned count;                                // of the frame's
    uint32_t length;                               // bytes of them
    bool checksum;                                 // as TS_FRAME_CHECKSUM:
    uint16_t checksum_start, checksum_offset;      // both together below TS_FRAME_CHECKSUM_END
};

// A frame that came.
struct frame_received {
    uint16_t token;
    uint16_t flags; // TS_FRAME_CHECKSUM_VALID, TS_FRAME_FAILED
    uint32_t length;
};

// What an interrupt was for.
#define FRAME_CAUSE_WORK 1u // frames
#define FRAME_CAUSE_LINK 2u // the link may have changed
#define FRAME_CAUSE_LOST 4u // the chip says itself that it needs a reset

// Each function is given `context`. None waits for the chip but start and stop, whose waits have an
// end, and interrupted, for 2 ms at most.
struct frame_chip {
    // Starts the chip, with empty rings and interrupts on. TS_ERR_IO and others: it does not start;
    // stop says whether it is at rest.
    ts_status_t (*start)(void *context);

    // Resets the chip: it has let go of all memory, and no interrupts come. All tokens are free.
    // TS_ERR_IO: it does not obey, and may go on using memory.
    ts_status_t (*stop)(void *context);

    bool (*link)(void *context); // whether it is up

    // Whether a frame of any form can be sent now; sends one (there was room), and gives its token.
    bool (*can_send)(void *context);
    uint16_t (*send)(void *context, struct frame_to_send *frame);

    // The next frame that was sent. TS_ERR_AGAIN: none; others: the chip broke the rules.
    ts_status_t (*sent)(void *context, uint16_t *out_token);

    // Whether there is place for one more room; adds one, which is TS_FRAME_ROOM_MIN bytes or
    // longer, and gives its token. The chip must not write more into it than that.
    bool (*can_fill)(void *context);
    uint16_t (*fill)(void *context, const struct dma_segment *room);

    // The next frame that came. Status as of `sent`.
    ts_status_t (*received)(void *context, struct frame_received *out_frame);

    // Shows the chip what send and fill have added.
    void (*kick)(void *context);

    // Asks for an interrupt when a frame comes, and when some were sent: late is soon enough (the
    // card comes by after TS_FRAME_DELAY_NS), but `tx_entries` slots are all that the client has.
    // False: something has come already.
    bool (*sleep)(void *context, uint32_t tx_entries);

    // What interrupt `vector` was for: FRAME_CAUSE_*. Of a line, the chip lowers it.
    unsigned (*interrupted)(void *context, unsigned vector);

    // The chip does not reach the client's memory: the driver copies frames (copy.h), and the
    // addresses of segments are pointers of its own.
    bool copies;
};

// Whether this can be a card's address: not a group's, not nobody's.
static inline bool frame_is_address(const uint8_t mac[6])
{
    static const uint8_t none[6];
    return !(mac[0] & 1) && memcmp(mac, none, sizeof(none)) != 0;
}

// The chip of this program, which its driver defines: known when the program is linked, so that the
// calls for each frame are none.
extern const struct frame_chip frame_chip;
