// SPDX-License-Identifier: MIT
// A wire with the stack at one end and the test at the other, which is the driver of the frame
// rings and all other hosts.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <tessera/ring/frame_queue.h>

#define US   0x0a000001u // 10.0.0.1: the stack; its network is 10/8
#define THEM 0x0a000002u // 10.0.0.2: the test

extern struct ts_frame_driver driver;
extern uint8_t frame[2048]; // the last one that the stack sent
extern uint32_t frame_length;

// Starts the stack, attaches it and gives it its address.
void wire_start(void);

// A new driver takes over.
void attach(void);

// Gives the stack a frame. flags: TS_FRAME_*.
void deliver(const uint8_t *bytes, uint32_t length, uint16_t flags);

// The next frame that the stack sent, put together in `frame`. False: none.
bool next_frame(void);

void skip_frames(void);

// Skips to the next IPv4 frame of that protocol.
bool next_of(unsigned protocol);

// The stack learns a host's address from what that asks by ARP; its answer is skipped.
void introduce(uint32_t host);

// A listening socket of the present client.
struct ts_object *listen_on(uint16_t port, uint32_t backlog);

void put16(uint8_t *at, unsigned value);
void put32(uint8_t *at, uint32_t value);
uint32_t get32(const uint8_t *at);

struct segment {
    uint32_t from; // host
    uint16_t from_port, to_port;
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t unread;        // the window is 60000 less this
    const char *data;       // NULL: none
    const uint8_t *options; // of TCP, a multiple of 4 bytes
    uint8_t options_length;
};

// Frames to the stack, with good checksums; their lengths. make_ip: headers around what is at 34.
uint32_t make_ip(uint8_t *out, unsigned protocol, uint32_t length);
uint32_t make_segment(uint8_t *out, const struct segment *segment);
uint32_t make_tcp(uint8_t *out, uint16_t port, uint32_t seq, uint32_t ack, unsigned flags,
                  const char *data);
