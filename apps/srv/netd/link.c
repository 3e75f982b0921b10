// SPDX-License-Identifier: MIT
#include "link.h"

#include <stdatomic.h>
#include <string.h>

#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/prot/ethernet.h>
#include <tessera/lib/log.h>

#include "link_send.h"

static void post_room(struct link *link, struct link_room *room)
{
    struct ts_frame_slot slot = {
        .offset = link->memory->rooms + room->index * PACKET_ROOM,
        .length = PACKET_ROOM,
        .id = room->index,
    };
    room->posted = true;
    ts_frame_put(&link->rings.rx_fill, &slot);
}

// A connection is done with the bytes of a room.
static void room_released(struct pbuf *pbuf)
{
    struct link_room *room = (struct link_room *)(void *)pbuf; // pbuf is the first of the first
    struct link *link = room->link;
    link->rooms_held--;
    if (link->attached) {
        post_room(link, room);
    }
}

static err_t interface_init(struct netif *netif)
{
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->output = etharp_output;
    netif->output_ip6 = ethip6_output;
    netif->linkoutput = link_send;
    netif->mtu = TS_FRAME_LENGTH_MAX - SIZEOF_ETH_HDR;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    netif->hostname = "tessera";
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_MLD6;
    return ERR_OK;
}

void link_init(struct link *link, struct packet_memory *memory, uint32_t number)
{
    *link = (struct link){.memory = memory};
    ts_format(link->name, sizeof(link->name), "en%u", number);
    for (uint16_t i = 0; i < PACKET_RX_ENTRIES; i++) {
        link->room[i].link = link;
        link->room[i].index = i;
        link->room[i].tail.custom_free_function = room_released;
    }
    for (uint16_t i = 0; i < PACKET_FRAMES; i++) {
        link->frame[i].next_free = (uint16_t)(i + 1);
    }
    netif_add_noaddr(&link->netif, link, interface_init, netif_input);
}

void link_reset(struct link *link)
{
    link->attached = false;
    link->broken = false;
    ts_frame_client_init(&link->rings, link->memory->base, PACKET_RX_ENTRIES, PACKET_TX_ENTRIES);
}

static void take_link_state(struct link *link)
{
    struct ts_frame_control *control = (void *)link->memory->base;
    bool up = atomic_load_explicit(TS_ATOMIC(&control->link), memory_order_relaxed) == 1;
    if (up == link->up) {
        return;
    }
    link->up = up;
    if (up) {
        netif_set_link_up(&link->netif);
    } else {
        netif_set_link_down(&link->netif);
    }
}

bool link_attached(struct link *link, const struct ts_frame_information *information)
{
    for (uint16_t i = 0; i < PACKET_FRAMES; i++) {
        if (link->frame[i].sent) {
            link_frame_done(link, i);
        }
    }
    for (uint16_t i = 0; i < PACKET_RX_ENTRIES; i++) {
        // A room that a connection holds is posted when it is released.
        if (link->room[i].tail.pbuf.ref == 0) {
            post_room(link, &link->room[i]);
        }
    }
    link->features = information->features;
    memcpy(link->netif.hwaddr, information->mac, ETH_HWADDR_LEN);
    if (information->mtu >= 576 && information->mtu <= TS_FRAME_LENGTH_MAX - SIZEOF_ETH_HDR) {
        link->netif.mtu = information->mtu;
    }
    bool offload = (link->features & TS_FRAME_FEATURE_CHECKSUM) != 0;
    NETIF_SET_CHECKSUM_CTRL(&link->netif, offload
                                              ? NETIF_CHECKSUM_ENABLE_ALL & ~NETIF_CHECKSUM_GEN_TCP
                                              : NETIF_CHECKSUM_ENABLE_ALL);
    link->attached = true;
    take_link_state(link);
    return link_flush(link);
}

void link_detached(struct link *link)
{
    link->attached = false;
    link->statistics.restarts++;
}

void link_rests(struct link *link)
{
    if (link->up) {
        link->up = false;
        netif_set_link_down(&link->netif);
    }
}

// Whether the frame, whose first bytes are here, is TCP over IP.
static bool carries_tcp(const uint8_t *frame)
{
    unsigned type = (unsigned)frame[12] << 8 | frame[13];
    return (type == ETHTYPE_IP && frame[14 + 9] == 6) ||
           (type == ETHTYPE_IPV6 && frame[14 + 6] == 6);
}

// The frame as lwIP gets it; NULL without memory. *out_held: the room stays in use.
static struct pbuf *make_pbuf(struct link *link, struct link_room *room, uint16_t length,
                              bool *out_held)
{
    uint8_t *shared = link->memory->base + link->memory->rooms + room->index * PACKET_ROOM;
    uint16_t copied = length;
    bool scarce = link->rooms_held >= PACKET_RX_ENTRIES / 2;
    if (length > LINK_COPY_WHOLE && !scarce) {
        copied = LINK_COPY_HEADERS;
    }
    // A shorter frame than Ethernet knows is one that lost its padding. It gets it back: lwIP reads
    // the first header before it looks whether it is there.
    uint16_t room_for = copied < LINK_LENGTH_LEAST ? LINK_LENGTH_LEAST : copied;
    struct pbuf *head = pbuf_alloc(PBUF_RAW, room_for, PBUF_RAM);
    if (head == NULL) {
        return NULL;
    }
    memcpy(head->payload, shared, copied);
    memset((uint8_t *)head->payload + copied, 0, (size_t)(room_for - copied));
    *out_held = false;
    if (copied == length) {
        return head;
    }
    if (carries_tcp(head->payload)) {
        struct pbuf *tail =
            pbuf_alloced_custom(PBUF_RAW, (u16_t)(length - copied), PBUF_REF, &room->tail,
                                shared + copied, (u16_t)(length - copied));
        pbuf_cat(head, tail);
        *out_held = true;
        return head;
    }
    pbuf_free(head);
    head = pbuf_alloc(PBUF_RAW, length, PBUF_RAM);
    if (head != NULL) {
        memcpy(head->payload, shared, length);
    }
    return head;
}

static void receive_frame(struct link *link, const struct ts_frame_slot *slot)
{
    if (slot->id >= PACKET_RX_ENTRIES || !link->room[slot->id].posted ||
        slot->length > PACKET_ROOM) {
        link->broken = true;
        return;
    }
    struct link_room *room = &link->room[slot->id];
    bool held = false;
    room->posted = false;
    if ((slot->flags & TS_FRAME_FAILED) != 0 || slot->length < TS_FRAME_LENGTH_MIN) {
        link->statistics.errors_in++;
        post_room(link, room);
        return;
    }
    struct pbuf *pbuf = make_pbuf(link, room, slot->length, &held);
    if (held) {
        link->rooms_held++;
    } else {
        post_room(link, room);
    }
    if (pbuf == NULL) {
        link->statistics.dropped_in++;
        return;
    }
    link->statistics.frames_in++;
    link->statistics.bytes_in += slot->length;
    // The device's word on the checksum counts for this one frame.
    bool verified = (slot->flags & TS_FRAME_CHECKSUM_VALID) != 0 &&
                    (link->features & TS_FRAME_FEATURE_RX_CHECKSUM) != 0;
    if (verified) {
        link->netif.chksum_flags &= (u16_t)~NETIF_CHECKSUM_CHECK_TCP;
    } else {
        link->netif.chksum_flags |= NETIF_CHECKSUM_CHECK_TCP;
    }
    if (link->netif.input(pbuf, &link->netif) != ERR_OK) {
        pbuf_free(pbuf);
    }
}

static bool receive(struct link *link)
{
    int32_t ready = ts_frame_available(&link->rings.rx_done);
    if (ready < 0) {
        link->broken = true;
        return true;
    }
    uint32_t count = (uint32_t)ready < LINK_BATCH ? (uint32_t)ready : LINK_BATCH;
    for (uint32_t i = 0; i < count && !link->broken; i++) {
        struct ts_frame_slot slot;
        ts_frame_take(&link->rings.rx_done, &slot);
        receive_frame(link, &slot);
    }
    ts_frame_release(&link->rings.rx_done);
    return (uint32_t)ready == count;
}

bool link_poll(struct link *link)
{
    if (!link->attached || link->broken) {
        return true;
    }
    take_link_state(link);
    link_take_sent(link);
    return receive(link);
}

bool link_flush(struct link *link)
{
    if (!link->attached || link->broken) {
        return false;
    }
    bool filled = ts_frame_publish(&link->rings.rx_fill);
    bool sent = ts_frame_publish(&link->rings.tx_send);
    return filled || sent;
}

bool link_sleep(struct link *link)
{
    if (!link->attached || link->broken) {
        return true;
    }
    // Completions of sent frames are only waited for when there is no room to send: they are
    // collected whenever something arrives.
    uint32_t tx_wanted = link->starved ? 1 : PACKET_FRAMES / 4;
    bool received = ts_frame_sleep(&link->rings.rx_done, 1);
    bool sent = ts_frame_sleep(&link->rings.tx_done, tx_wanted);
    return received && sent;
}
