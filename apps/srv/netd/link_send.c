// SPDX-License-Identifier: MIT
#include "link_send.h"

#include <string.h>

#include <lwip/inet_chksum.h>
#include <lwip/prot/ethernet.h>
#include <lwip/priv/tcp_priv.h>

#define PROTOCOL_TCP        6
#define TCP_CHECKSUM_OFFSET 16

// A frame under construction: nothing is the driver's before it is whole.
struct draft {
    struct link_frame *frame;
    struct ts_frame_slot slots[TS_FRAME_SEGMENTS];
    uint32_t count;
};

void link_frame_done(struct link *link, uint16_t index)
{
    struct link_frame *frame = &link->frame[index];
    for (uint8_t i = 0; i < frame->block_count; i++) {
        packet_block_put(link->memory, frame->blocks[i]);
    }
    frame->block_count = 0;
    frame->sent = false;
    frame->next_free = link->free_frame;
    link->free_frame = index;
}

void link_take_sent(struct link *link)
{
    int32_t ready = ts_frame_available(&link->rings.tx_done);
    for (int32_t i = 0; i < ready; i++) {
        struct ts_frame_slot slot;
        ts_frame_take(&link->rings.tx_done, &slot);
        if (slot.id >= PACKET_FRAMES || !link->frame[slot.id].sent) {
            link->broken = true;
            break;
        }
        link_frame_done(link, (uint16_t)slot.id);
    }
    if (ready < 0) {
        link->broken = true;
    }
    ts_frame_release(&link->rings.tx_done);
    if (link->starved && ready > 0 && !link->broken) {
        link->starved = false;
        tcp_txnow();
    }
}

// The next segment is within a block: the frame holds it until it is sent.
static void add_block(struct link *link, struct draft *draft, struct packet_block *block,
                      const void *bytes, uint16_t length)
{
    uint32_t offset = (uint32_t)((const uint8_t *)bytes - link->memory->base);
    struct ts_frame_slot *last = draft->count > 0 ? &draft->slots[draft->count - 1] : NULL;
    if (last != NULL && draft->count > 1 && last->offset + last->length == offset) {
        last->length = (uint16_t)(last->length + length); // goes on where the last one ended
    } else {
        draft->slots[draft->count++] = (struct ts_frame_slot){.offset = offset, .length = length};
    }
    packet_block_get(block);
    draft->frame->blocks[draft->frame->block_count++] = block;
}

// Bytes outside of packet memory at the start of the frame go to its header room. The number of
// pbufs taken, or 0 when they do not fit.
static uint16_t copy_headers(struct link *link, struct draft *draft, const struct pbuf **frame,
                             uint32_t offset)
{
    uint8_t *room = link->memory->base + offset;
    uint16_t length = 0;
    const struct pbuf *p = *frame;
    for (; p != NULL && packet_block_find(link->memory, p->payload, p->len) == NULL; p = p->next) {
        if (length + p->len > (uint16_t)PACKET_HEADER) {
            return 0;
        }
        memcpy(room + length, p->payload, p->len);
        length = (uint16_t)(length + p->len);
    }
    if (length > 0) {
        draft->slots[draft->count++] = (struct ts_frame_slot){.offset = offset, .length = length};
    }
    *frame = p;
    return length;
}

// The usual frame: headers, then payload in at most a few blocks. False: it is another.
static bool point_at(struct link *link, struct draft *draft, const struct pbuf *frame,
                     uint32_t header_offset)
{
    if (copy_headers(link, draft, &frame, header_offset) == 0) {
        return false;
    }
    for (; frame != NULL; frame = frame->next) {
        struct packet_block *block = packet_block_find(link->memory, frame->payload, frame->len);
        if (block == NULL || draft->count == TS_FRAME_SEGMENTS ||
            draft->frame->block_count == TS_FRAME_SEGMENTS) {
            return false;
        }
        add_block(link, draft, block, frame->payload, frame->len);
    }
    return true;
}

// Any frame, by copying all of it into one block.
static bool copy_all(struct link *link, struct draft *draft, const struct pbuf *frame)
{
    for (uint8_t i = 0; i < draft->frame->block_count; i++) {
        packet_block_put(link->memory, draft->frame->blocks[i]);
    }
    draft->frame->block_count = 0;
    draft->count = 0;
    struct packet_block *block = packet_block_take(link->memory, frame->tot_len);
    if (block == NULL) {
        return false;
    }
    pbuf_copy_partial(frame, packet_block_bytes(link->memory, block), frame->tot_len, 0);
    draft->slots[draft->count++] =
        (struct ts_frame_slot){.offset = block->offset, .length = frame->tot_len};
    draft->frame->blocks[draft->frame->block_count++] = block;
    return true;
}

static uint32_t sum_words(const uint8_t *bytes, uint32_t length)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < length; i += 2) {
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    }
    return sum;
}

// Leaves the TCP checksum to the device: it wants the sum of the pseudo-header in its place. The
// IP header is lwIP's own work: without extension headers for IPv6, never a fragment.
static void offload_checksum(struct link *link, struct ts_frame_slot *first, uint16_t frame_length)
{
    uint8_t *head = link->memory->base + first->offset, *ip = head + SIZEOF_ETH_HDR;
    unsigned type = (unsigned)head[12] << 8 | head[13];
    uint32_t header, sum;
    if (type == ETHTYPE_IP && ip[9] == PROTOCOL_TCP) {
        header = (ip[0] & 15u) * 4;
        sum = sum_words(ip + 12, 8);
    } else if (type == ETHTYPE_IPV6 && ip[6] == PROTOCOL_TCP) {
        header = 40;
        sum = sum_words(ip + 8, 32);
    } else {
        return;
    }
    sum += PROTOCOL_TCP + frame_length - SIZEOF_ETH_HDR - header;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    ip[header + TCP_CHECKSUM_OFFSET] = (uint8_t)(sum >> 8);
    ip[header + TCP_CHECKSUM_OFFSET + 1] = (uint8_t)sum;
    first->flags |= TS_FRAME_CHECKSUM;
    first->checksum_start = (uint16_t)(SIZEOF_ETH_HDR + header);
    first->checksum_offset = TCP_CHECKSUM_OFFSET;
}

static void put_draft(struct link *link, struct draft *draft, uint32_t index)
{
    for (uint32_t i = 0; i < draft->count; i++) {
        draft->slots[i].id = index;
        if (i + 1 < draft->count) {
            draft->slots[i].flags |= TS_FRAME_MORE;
        }
        ts_frame_put(&link->rings.tx_send, &draft->slots[i]);
    }
    draft->frame->sent = true;
    link->free_frame = draft->frame->next_free;
}

err_t link_send(struct netif *netif, struct pbuf *pbuf)
{
    struct link *link = netif->state;
    if (!link->attached || link->broken || pbuf->tot_len > TS_FRAME_LENGTH_MAX) {
        link->statistics.dropped_out++;
        return ERR_OK;
    }
    int32_t room = ts_frame_room(&link->rings.tx_send);
    if (room < 0) {
        link->broken = true;
        return ERR_OK;
    }
    uint32_t index = link->free_frame;
    if (index == PACKET_FRAMES || room < (int32_t)TS_FRAME_SEGMENTS) {
        link->starved = true;
        return ERR_BUF;
    }
    struct draft draft = {.frame = &link->frame[index]};
    uint32_t header = link->memory->headers + index * PACKET_HEADER;
    if (!point_at(link, &draft, pbuf, header) && !copy_all(link, &draft, pbuf)) {
        link->starved = true;
        return ERR_BUF;
    }
    // All of lwIP's headers lie in its first pbufs, and so in the first segment.
    if ((link->features & TS_FRAME_FEATURE_CHECKSUM) != 0) {
        offload_checksum(link, &draft.slots[0], pbuf->tot_len);
    }
    put_draft(link, &draft, index);
    link->statistics.frames_out++;
    link->statistics.bytes_out += pbuf->tot_len;
    return ERR_OK;
}
