// SPDX-License-Identifier: MIT
// The network interface over a card's frame rings: frames in, frames out, all without waiting.
//
// It knows the rings but not what is behind them: nic.c attaches it to a driver, tests to their
// own. While nobody is attached frames to be sent are lost, as a network may lose them.
//
// Receiving. Frames that carry much TCP stay where the card put them: only their headers are
// copied, since they are parsed and shared memory may change under the parser. All others are
// copied whole, and their room goes back to the card at once; so do all when half of the rooms are
// held by connections whose readers are slow.
//
// Sending. Headers and whatever lies outside of packet memory are copied into the frame's own
// header room (or a block); payload in packet memory is pointed at.
#pragma once

#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <tessera/proto/frame.h>
#include <tessera/ring/frame_queue.h>

#include "packet.h"

#define LINK_COPY_HEADERS 134u // of Ethernet, IPv4 and TCP, each with all options it can have
#define LINK_LENGTH_LEAST 60u  // of an Ethernet frame
#define LINK_COPY_WHOLE   512u // frames up to here are copied whole
#define LINK_BATCH        256u // frames received before others have their turn

struct link_room {
    struct pbuf_custom tail; // while a connection holds it
    struct link *link;
    uint16_t index;
    bool posted; // the driver may write it
};

struct link_frame { // on its way out
    struct packet_block *blocks[TS_FRAME_SEGMENTS];
    uint16_t next_free;
    uint8_t block_count;
    bool sent; // the driver may read it
};

struct link_statistics {
    uint64_t frames_in, frames_out, bytes_in, bytes_out;
    uint64_t dropped_in, dropped_out, errors_in, restarts;
};

struct link {
    struct netif netif; // by the name en0, en1 … in the order in which the cards were found
    char name[8];
    ip4_addr_t told; // its address that the log has
    struct packet_memory *memory;
    struct ts_frame_client rings;
    bool attached, broken, starved, up;
    uint32_t features;
    uint16_t free_frame; // index, PACKET_FRAMES: none
    uint16_t rooms_held;
    struct link_room room[PACKET_RX_ENTRIES];
    struct link_frame frame[PACKET_FRAMES];
    struct link_statistics statistics;
};

// Makes the interface known to lwIP, without a card: the one that is the `number`th found, from 0.
// `memory` stays.
void link_init(struct link *link, struct packet_memory *memory, uint32_t number);

// Zeroes the control area for the next attach. The driver before must be gone or detached.
void link_reset(struct link *link);

// The driver has taken the memory: what the last one had is free again, rooms are posted, lost
// segments are sent again. True: signal the driver.
bool link_attached(struct link *link, const struct ts_frame_information *information);

void link_detached(struct link *link);

// No driver is to come soon: the link is down, so that packets take another card's way.
void link_rests(struct link *link);

// Takes what the driver has done, at most LINK_BATCH frames; hands them to lwIP. False: there is
// more. `broken` is set when the driver broke the rules.
bool link_poll(struct link *link);

// Shows the driver what was put since. True: signal it.
bool link_flush(struct link *link);

// Asks to be woken. False: there is work already.
bool link_sleep(struct link *link);
