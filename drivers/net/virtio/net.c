// SPDX-License-Identifier: MIT
// The card: what the device is, and the memory of its queues.
#include "net.h"

#define MTU_LEAST 576u
#define MTU_MOST  (TS_FRAME_LENGTH_MAX - TS_FRAME_LENGTH_MIN)

// What the client is told of the device.
static ts_status_t read_information(struct net *n, struct ts_frame_information *out)
{
    uint64_t features = n->device->features;
    uint16_t mtu = MTU_MOST;
    *out = (struct ts_frame_information){
        .features = (features & NET_F_CHECKSUM ? TS_FRAME_FEATURE_CHECKSUM : 0) |
                    (features & NET_F_GUEST_CHECKSUM ? TS_FRAME_FEATURE_RX_CHECKSUM : 0),
        .rx_depth = n->rx.ring.size / 2u, // a header and a room each
        .tx_depth = n->tx.ring.size / 2u,
    };
    ts_status_t status = TS_ERR_UNSUPPORTED; // a card without an address
    if (features & NET_F_MAC) {
        status = virtio_configuration(n->device, NET_CONFIG_MAC, out->mac, sizeof(out->mac));
    }
    if (status == TS_OK && (features & NET_F_MTU)) {
        status = virtio_configuration(n->device, NET_CONFIG_MTU, &mtu, sizeof(mtu));
    }
    out->mtu = mtu < MTU_LEAST || mtu > MTU_MOST ? (uint16_t)MTU_MOST : mtu;
    return status;
}

ts_status_t net_init(struct net *n, struct virtio_device *device, ts_handle_t domain,
                     const struct net_interrupts *interrupts)
{
    struct ts_frame_information information;
    *n = (struct net){.device = device, .domain = domain, .interrupts = *interrupts};
    ts_status_t status = net_start_queues(n);
    uint16_t rx = n->rx.ring.size, tx = n->tx.ring.size;
    if (status == TS_OK) {
        status = read_information(n, &information);
    }
    if (status == TS_OK) {
        status = frame_card_init(&n->card, n, rx, tx, &information);
    }
    if (status == TS_OK) {
        status = dma_memory_create(&n->headers, domain, (size_t)(rx + tx) * NET_HEADER_STRIDE);
    }
    ts_status_t reset = virtio_reset(device); // nobody is attached: nothing may arrive
    if (status == TS_OK) {
        status = reset;
    }
    if (status != TS_OK && reset == TS_OK) {
        net_fini(n);
    }
    return status;
}

void net_fini(struct net *n)
{
    virtio_queue_fini(&n->rx);
    virtio_queue_fini(&n->tx);
    dma_memory_destroy(&n->headers);
    frame_card_fini(&n->card);
}
