// SPDX-License-Identifier: MIT
// The device's life: reset, address, start.
#include "registers.h"
#include "rtl8139.h"

#include <tessera/lib/clock.h>

#define RESET_TRIES 100u // of a millisecond

#define BUFFERS (RTL8139_RING + 64u) // offset of the buffers in the memory

static_assert(BUFFERS >= RTL8139_RING + RTL8139_RING_TAIL, "what the chip writes is behind it");
static_assert(RTL8139_TX_BYTES >= FRAME_COPY_MAX && RTL8139_TX_BYTES % 4 == 0, "a whole frame");

ts_status_t rtl8139_reset(struct rtl8139 *r)
{
    rtl8139_write(r, RTL8139_IMR, 2, 0);
    rtl8139_write(r, RTL8139_CR, 1, RTL8139_CR_RESET);
    for (unsigned tries = 0; rtl8139_read(r, RTL8139_CR, 1) & RTL8139_CR_RESET; tries++) {
        if (tries == RESET_TRIES) {
            return TS_ERR_IO;
        }
        ts_sleep_until(ts_deadline_in(TS_MILLISECOND));
    }
    rtl8139_write(r, RTL8139_ISR, 2, UINT16_MAX);
    bool at_rest = !(rtl8139_read(r, RTL8139_CR, 1) & (RTL8139_CR_SEND | RTL8139_CR_RECV)) &&
                   rtl8139_read(r, RTL8139_IMR, 2) == 0;
    return at_rest ? TS_OK : TS_ERR_IO;
}

ts_status_t rtl8139_identify(struct rtl8139 *r, const struct rtl8139_registers *registers,
                             void *context)
{
    *r = (struct rtl8139){.registers = registers, .context = context};
    ts_status_t status = rtl8139_reset(r);
    for (unsigned i = 0; i < sizeof(r->mac); i++) {
        r->mac[i] = (uint8_t)rtl8139_read(r, RTL8139_IDR + i, 1);
    }
    return status != TS_OK || frame_is_address(r->mac) ? status : TS_ERR_UNSUPPORTED;
}

void rtl8139_tell_sent(struct rtl8139 *r, bool tell)
{
    uint16_t causes = RTL8139_CAUSE_RECEIVED | RTL8139_CAUSE_RX_ERROR | RTL8139_CAUSE_RX_FULL |
                      RTL8139_CAUSE_RX_FIFO | RTL8139_CAUSE_LINK | RTL8139_CAUSE_SYSTEM;
    causes |= tell ? RTL8139_CAUSE_SENT | RTL8139_CAUSE_TX_ERROR : 0;
    if (causes != r->causes) {
        rtl8139_write(r, RTL8139_IMR, 2, causes);
        r->causes = causes;
    }
}

uint8_t *rtl8139_buffer(const struct rtl8139 *r, uint16_t index)
{
    return (uint8_t *)r->memory.address + BUFFERS + index * RTL8139_TX_BYTES;
}

ts_status_t rtl8139_start(struct rtl8139 *r)
{
    ts_status_t status = rtl8139_reset(r);
    if (status != TS_OK) {
        return status;
    }
    r->at = r->causes = r->tx_first = r->tx_count = 0;
    r->rooms = (struct frame_rooms){0};
    rtl8139_write(r, RTL8139_RBSTART, 4, (uint32_t)r->memory.bus);
    for (uint32_t i = 0; i < RTL8139_TX; i++) {
        rtl8139_write(r, RTL8139_TSAD + 4 * i, 4,
                      (uint32_t)r->memory.bus + BUFFERS + i * RTL8139_TX_BYTES);
    }
    rtl8139_write(r, RTL8139_MAR, 4, UINT32_MAX); // all groups
    rtl8139_write(r, RTL8139_MAR + 4, 4, UINT32_MAX);
    // It is on before it is told how: it would not take the thresholds otherwise.
    rtl8139_write(r, RTL8139_CR, 1, RTL8139_CR_SEND | RTL8139_CR_RECV);
    rtl8139_write(r, RTL8139_TCR, 4, RTL8139_TCR_NORMAL);
    rtl8139_write(r, RTL8139_RCR, 4, RTL8139_RCR_NORMAL);
    rtl8139_tell_sent(r, false);
    // It begins so. But QEMU's asks for frames again only when this is written, and may have had a
    // full ring before.
    rtl8139_write(r, RTL8139_CAPR, 2, (uint16_t)(r->at - 16));
    return TS_OK;
}
