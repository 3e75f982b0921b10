// SPDX-License-Identifier: MIT
#include "wire.h"

#include <stdlib.h>

#include <lwip/inet_chksum.h>

#include "fake.h"
#include "interface.h"

struct ts_frame_driver driver;
uint8_t frame[2048];
uint32_t frame_length;

void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

// ---- The driver's side

void attach(void)
{
    const struct ts_frame_information information = {
        .version = 1, .mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500, .link = 1};
    link_reset(netd.links[0]);
    ((struct ts_frame_control *)(void *)netd.packets.base)->link = 1;
    ts_frame_driver_init(&driver, netd.packets.base, PACKET_RX_ENTRIES, PACKET_TX_ENTRIES);
    link_attached(netd.links[0], &information);
    fake_run(0);
}

void deliver(const uint8_t *bytes, uint32_t length, uint16_t flags)
{
    struct ts_frame_slot slot;
    if (ts_frame_available(&driver.rx_fill) <= 0) {
        CHECK(!"the stack has posted room");
        return;
    }
    ts_frame_take(&driver.rx_fill, &slot);
    ts_frame_release(&driver.rx_fill);
    CHECK(slot.offset + slot.length <= netd.packets.size && slot.length >= TS_FRAME_ROOM_MIN);
    memcpy(netd.packets.base + slot.offset, bytes, length);
    slot.length = (uint16_t)length;
    slot.flags = flags;
    ts_frame_put(&driver.rx_done, &slot);
    ts_frame_publish(&driver.rx_done);
    fake_run(0);
}

bool next_frame(void)
{
    struct ts_frame_slot slot;
    bool first = true;
    uint32_t id = 0;
    frame_length = 0;
    do {
        if (ts_frame_available(&driver.tx_send) <= 0) {
            return false;
        }
        ts_frame_take(&driver.tx_send, &slot);
        CHECK(slot.offset + slot.length <= netd.packets.size);
        CHECK(frame_length + slot.length <= TS_FRAME_LENGTH_MAX);
        memcpy(frame + frame_length, netd.packets.base + slot.offset, slot.length);
        frame_length += slot.length;
        id = first ? slot.id : id;
        first = false;
    } while ((slot.flags & TS_FRAME_MORE) != 0);
    ts_frame_release(&driver.tx_send);
    slot = (struct ts_frame_slot){.id = id};
    ts_frame_put(&driver.tx_done, &slot);
    ts_frame_publish(&driver.tx_done);
    return true;
}

void skip_frames(void)
{
    while (next_frame()) {
        ;
    }
}

bool next_of(unsigned protocol)
{
    while (next_frame()) {
        if (frame[12] == 8 && frame[13] == 0 && frame[23] == protocol) {
            return true;
        }
    }
    return false;
}

// ---- The other host

static uint32_t make_ip_from(uint8_t *out, uint32_t from, unsigned protocol, uint32_t length)
{
    static const uint8_t ethernet[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
    memcpy(out, ethernet, 14);
    memset(out + 14, 0, 20);
    out[14] = 0x45;
    put16(out + 16, 20 + length);
    out[22] = 64;
    out[23] = (uint8_t)protocol;
    put32(out + 26, from);
    put32(out + 30, US);
    u16_t sum = inet_chksum(out + 14, 20);
    memcpy(out + 24, &sum, 2);
    return 34 + length;
}

uint32_t make_ip(uint8_t *out, unsigned protocol, uint32_t length)
{
    return make_ip_from(out, THEM, protocol, length);
}

uint32_t make_segment(uint8_t *out, const struct segment *s)
{
    uint32_t length = s->data != NULL ? (uint32_t)strlen(s->data) : 0;
    uint32_t head = 20u + s->options_length;
    uint8_t *tcp = out + 34;
    memset(tcp, 0, 20);
    put16(tcp, s->from_port);
    put16(tcp + 2, s->to_port);
    put32(tcp + 4, s->seq);
    put32(tcp + 8, s->ack);
    tcp[12] = (uint8_t)(head / 4 << 4);
    tcp[13] = s->flags;
    put16(tcp + 14, 60000u - s->unread);
    if (s->options_length > 0) {
        memcpy(tcp + 20, s->options, s->options_length);
    }
    if (length > 0) {
        memcpy(tcp + head, s->data, length);
    }
    length += head;
    uint32_t whole = make_ip_from(out, s->from, 6, length);
    struct pbuf *copy = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_RAM);
    ip4_addr_t from = {lwip_htonl(s->from)}, to = {lwip_htonl(US)};
    memcpy(copy->payload, tcp, length);
    u16_t sum = inet_chksum_pseudo(copy, 6, (u16_t)length, &from, &to);
    memcpy(tcp + 16, &sum, 2);
    pbuf_free(copy);
    return whole;
}

uint32_t make_tcp(uint8_t *out, uint16_t port, uint32_t seq, uint32_t ack, unsigned flags,
                  const char *data)
{
    return make_segment(out, &(struct segment){.from = THEM,
                                               .from_port = 4000,
                                               .to_port = port,
                                               .seq = seq,
                                               .ack = ack,
                                               .flags = (uint8_t)flags,
                                               .data = data});
}

void wire_start(void)
{
    const struct ts_net_configuration configuration = {
        .index = 2, .address4 = {10, 0, 0, 1}, .mask4 = {255, 0, 0, 0}, .gateway4 = {10, 0, 0, 2}};
    fake_start();
    attach();
    netif_create_ip6_linklocal_address(&netd.links[0]->netif, 1);
    netd.links[0]->netif.ip6_autoconfig_enabled = 1;
    netif_set_up(&netd.links[0]->netif);
    interface_set(&netd.links[0]->netif, &configuration);
    fake_run(100);
    skip_frames();
}

// ---- Other hosts

void introduce(uint32_t host)
{
    uint8_t question[42] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 2, 8, 6,
                            0,   1,   8,   0,   6,   4,   0, 1, 2, 0, 0, 0, 0, 2};
    put32(question + 28, host);
    put32(question + 38, US);
    deliver(question, sizeof(question), 0);
    skip_frames();
}

struct ts_object *listen_on(uint16_t port, uint32_t backlog)
{
    struct call call;
    struct ts_object *listener = socket_create(TS_NET_TCP);
    struct ts_net_address address = {.port = port};
    CHECK(call_now(&call, listener, TS_OP_CALL, TS_NET_BIND, &address, sizeof(address), NULL, 0) ==
          TS_OK);
    CHECK(call_now(&call, listener, TS_OP_CALL, TS_NET_LISTEN, &backlog, 4, NULL, 0) == TS_OK);
    return listener;
}
