// SPDX-License-Identifier: MIT
// The card: its memory, and what the client is told.
#include "e1000.h"

#include <string.h>

#define ZEROS 64u // bytes

static_assert((E1000_RX + E1000_TX) * sizeof(struct e1000_descriptor) % 128 == 0,
              "rings are in units of 128 bytes");

ts_status_t e1000_init(struct e1000 *e, ts_handle_t domain, bool messages)
{
    struct ts_frame_information information = {
        .features = TS_FRAME_FEATURE_CHECKSUM | TS_FRAME_FEATURE_RX_CHECKSUM,
        .mtu = TS_FRAME_LENGTH_MAX - TS_FRAME_LENGTH_MIN,
        .rx_depth = E1000_RX - 1,
        .tx_depth = E1000_TX - 1,
    };
    memcpy(information.mac, e->mac, sizeof(information.mac));
    size_t bytes = (E1000_RX + E1000_TX) * sizeof(struct e1000_descriptor);
    e->messages = messages;
    ts_status_t status = dma_memory_create(&e->memory, domain, bytes + ZEROS);
    if (status != TS_OK) {
        return status;
    }
    struct e1000_descriptor *descriptors = e->memory.address;
    e->rx =
        (struct e1000_ring){.descriptors = descriptors, .counts = e->rx_counts, .size = E1000_RX};
    e->tx = (struct e1000_ring){
        .descriptors = descriptors + E1000_RX, .counts = e->tx_counts, .size = E1000_TX};
    e->zeros = e->memory.bus + bytes;
    status = frame_card_init(&e->card, e, E1000_RX, E1000_TX, &information);
    if (status != TS_OK) {
        e1000_fini(e);
    }
    return status;
}

void e1000_fini(struct e1000 *e)
{
    dma_memory_destroy(&e->memory);
    frame_card_fini(&e->card);
}
