// SPDX-License-Identifier: MIT
// The sending half of the interface.
#pragma once

#include "link.h"

// netif->linkoutput. ERR_BUF: no room now; `starved` is set, and tcp_txnow is called when there is.
err_t link_send(struct netif *netif, struct pbuf *frame);

// Takes back what the driver has sent.
void link_take_sent(struct link *link);

// Frame `index` is done: its blocks lose its reference.
void link_frame_done(struct link *link, uint16_t index);
