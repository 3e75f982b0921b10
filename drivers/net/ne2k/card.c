// SPDX-License-Identifier: MIT
// The card: what the client is told.
#include "ne2k.h"

ts_status_t ne2k_init(struct ne2k *n)
{
    struct ts_frame_information information = {
        .mtu = TS_FRAME_LENGTH_MAX - TS_FRAME_LENGTH_MIN,
        .rx_depth = FRAME_ROOMS,
        .tx_depth = NE2K_TX,
    };
    memcpy(information.mac, n->mac, sizeof(information.mac));
    return frame_card_init(&n->card, n, FRAME_ROOMS, NE2K_TX, &information);
}

void ne2k_fini(struct ne2k *n)
{
    frame_card_fini(&n->card);
}
