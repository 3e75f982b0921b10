// SPDX-License-Identifier: MIT
// The client of a network card, for tests of cards: memory with rings, and frames whose bytes tell
// whether they came whole. Each id has a place of its own; every other frame crosses a page.
#pragma once

#include "fake_machine.h"

#include <drivers/frame/card.h>

#define PEER_ENTRIES 64u
#define PEER_PAGES   80u
#define PEER_MEMORY  (PEER_PAGES * 4096u)
#define PEER_ROOM    2048u

struct frame_peer {
    uint8_t *memory;
    uint32_t data_start;
    struct ts_frame_client rings;
    uint32_t tx_pieces[PEER_ENTRIES], tx_seed[PEER_ENTRIES]; // outstanding, by id
    bool tx_out[PEER_ENTRIES], rx_out[PEER_ENTRIES];
    unsigned tx_slots;
    unsigned received, sent, failed; // frames
};

extern struct frame_peer peer;

// Fresh memory, nothing outstanding, and attached. Returns what attaching says.
TS_MUST_USE ts_status_t peer_attach(struct frame_card *card);

// Attaches the memory as it is.
TS_MUST_USE ts_status_t peer_attach_again(struct frame_card *card);

// Works until there is nothing more to do.
enum frame_outcome peer_work(struct frame_card *card);

void peer_send(void);    // a frame of 1 to 8 pieces, if the id that is drawn is free
void peer_fill(void);    // likewise a room
void peer_collect(void); // what came back, checked

// Puts one slot into a ring and publishes it.
void peer_put(struct ts_frame_producer *ring, struct ts_frame_slot slot);

uint32_t peer_room(uint32_t id); // offset of the id's room

// The device's side: whether it may touch these bytes; checks a frame that it sends (true: the
// client's, and as it was), and fills in one that it receives.
bool peer_owns(const uint8_t *bytes, uint32_t length);
void peer_check_sent(const uint8_t *frame, uint32_t length);
void peer_pattern(uint8_t *frame, uint32_t length);
