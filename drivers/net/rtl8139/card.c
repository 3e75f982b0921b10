// SPDX-License-Identifier: MIT
// The card: its memory, and what the client is told.
#include "registers.h"
#include "rtl8139.h"

#define LOW_END (UINT64_C(1) << 32) // of what the chip reaches

ts_status_t rtl8139_init(struct rtl8139 *r, ts_handle_t domain)
{
    struct ts_frame_information information = {
        .mtu = TS_FRAME_LENGTH_MAX - TS_FRAME_LENGTH_MIN,
        .rx_depth = FRAME_ROOMS,
        .tx_depth = RTL8139_TX,
    };
    memcpy(information.mac, r->mac, sizeof(information.mac));
    ts_status_t status = dma_memory_create(
        &r->memory, domain, RTL8139_RING + TS_PAGE_SIZE + RTL8139_TX * RTL8139_TX_BYTES);
    if (status != TS_OK) {
        return status;
    }
    if (r->memory.bus + r->memory.size > LOW_END) {
        status = TS_ERR_UNSUPPORTED;
    }
    if (status == TS_OK) {
        status = frame_card_init(&r->card, r, FRAME_ROOMS, RTL8139_TX, &information);
    }
    if (status != TS_OK) {
        rtl8139_fini(r);
    }
    return status;
}

void rtl8139_fini(struct rtl8139 *r)
{
    dma_memory_destroy(&r->memory);
    frame_card_fini(&r->card);
}
