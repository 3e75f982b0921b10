// SPDX-License-Identifier: MIT
// For a chip that does not reach the client's memory (frame_chip.copies): the rooms that wait for a
// frame, and a frame to send in one piece.
//
// The client may write to its memory while it is copied. It spoils its own frames by that: nothing
// that is copied is looked at.
#pragma once

#include <drivers/frame/chip.h>

#define FRAME_ROOMS    64u // a power of two
#define FRAME_LEAST    60u // bytes of a frame that the chip does not lengthen itself
#define FRAME_COPY_MAX TS_FRAME_LENGTH_MAX

// Rooms in the order in which they were added, which is that of the frames. Token: a place here.
struct frame_rooms {
    void *rooms[FRAME_ROOMS];
    uint16_t first, count;
};

// Adds a room; there are fewer than FRAME_ROOMS.
static inline uint16_t frame_rooms_put(struct frame_rooms *r, const struct dma_segment *room)
{
    uint16_t token = (r->first + r->count++) & (FRAME_ROOMS - 1);
    r->rooms[token] = (void *)(uintptr_t)room->address;
    return token;
}

// Takes the oldest; there is one.
static inline void *frame_rooms_take(struct frame_rooms *r, uint16_t *out_token)
{
    *out_token = r->first;
    r->first = (r->first + 1) & (FRAME_ROOMS - 1);
    r->count--;
    return r->rooms[*out_token];
}

// Copies a frame, and zeros after one that is too short. Returns the length: FRAME_LEAST to
// FRAME_COPY_MAX.
static inline uint32_t frame_copy(const struct frame_to_send *frame, uint8_t out[FRAME_COPY_MAX])
{
    uint32_t length = 0;
    for (unsigned i = 1; i <= frame->count; i++) {
        const struct dma_segment *segment = &frame->segments[i];
        memcpy(out + length, (const void *)(uintptr_t)segment->address, segment->length);
        length += segment->length;
    }
    if (length < FRAME_LEAST) {
        memset(out + length, 0, FRAME_LEAST - length);
        length = FRAME_LEAST;
    }
    return length;
}
