// SPDX-License-Identifier: MIT
// The device's life: reset, address, start, what an overrun asks for; and its memory.
#include "ne2k.h"
#include "registers.h"

#include <tessera/lib/clock.h>

#define RESET_TRIES 100u                 // of a millisecond
#define MOVED_TRIES 100u                 // looks
#define STOP_NS     (2 * TS_MILLISECOND) // a frame of the longest is over by then

static_assert(NE2K_BUFFER * NE2K_PAGE == NE2K_TX_BYTES && FRAME_COPY_MAX < NE2K_TX_BYTES, "fits");
static_assert(NE2K_BUFFERS + NE2K_TX * NE2K_BUFFER == NE2K_RING, "the ring follows the buffers");

// ---- The card's memory

static void begin_move(const struct ne2k *n, uint32_t at, uint32_t bytes, uint8_t command)
{
    ne2k_write(n, NE2K_ISR, NE2K_CAUSE_MOVED);
    ne2k_write_pair(n, NE2K_RBCR, bytes);
    ne2k_write_pair(n, NE2K_RSAR, at);
    ne2k_write(n, NE2K_CR, command);
}

ts_status_t ne2k_copy_out(struct ne2k *n, uint32_t from, void *out, uint32_t bytes)
{
    begin_move(n, from, bytes, NE2K_CR_READ);
    ts_status_t status = n->registers->read_many(n->context, out, bytes);
    ne2k_write(n, NE2K_CR, NE2K_CR_START);
    return status;
}

ts_status_t ne2k_copy_in(struct ne2k *n, uint32_t to, const void *from, uint32_t bytes)
{
    begin_move(n, to, bytes, NE2K_CR_WRITE);
    ts_status_t status = n->registers->write_many(n->context, from, bytes);
    for (unsigned i = 0; status == TS_OK && !(ne2k_read(n, NE2K_ISR) & NE2K_CAUSE_MOVED); i++) {
        status = i < MOVED_TRIES ? TS_OK : TS_ERR_IO;
    }
    ne2k_write(n, NE2K_CR, NE2K_CR_START);
    return status;
}

// ---- Life

ts_status_t ne2k_reset(struct ne2k *n)
{
    ne2k_write(n, NE2K_CR, NE2K_CR_STOP); // of page 0, too
    ne2k_write(n, NE2K_IMR, 0);
    ne2k_write(n, NE2K_RESET, ne2k_read(n, NE2K_RESET)); // either is a reset, by who made it
    for (unsigned tries = 0; !(ne2k_read(n, NE2K_ISR) & NE2K_CAUSE_RESET); tries++) {
        if (tries == RESET_TRIES) {
            return TS_ERR_IO;
        }
        ts_sleep_until(ts_deadline_in(TS_MILLISECOND));
    }
    ne2k_write(n, NE2K_CR, NE2K_CR_STOP);
    ne2k_write(n, NE2K_IMR, 0);
    ne2k_write(n, NE2K_ISR, UINT8_MAX);
    n->causes = 0;
    return ne2k_read(n, NE2K_CR) == NE2K_CR_STOP ? TS_OK : TS_ERR_IO;
}

ts_status_t ne2k_identify(struct ne2k *n, const struct ne2k_registers *registers, void *context)
{
    uint8_t twice[2 * sizeof(n->mac)] = {0}; // each byte is on both halves of a word
    *n = (struct ne2k){.registers = registers, .context = context};
    ts_status_t status = ne2k_reset(n);
    if (status != TS_OK) {
        return status;
    }
    ne2k_write(n, NE2K_RCR, NE2K_RCR_MONITOR);
    ne2k_write(n, NE2K_TCR, NE2K_TCR_LOOPBACK);
    ne2k_write(n, NE2K_DCR, NE2K_DCR_WORDS);
    status = ne2k_copy_out(n, 0, twice, sizeof(twice));
    for (unsigned i = 0; i < sizeof(n->mac); i++) {
        n->mac[i] = twice[2 * i];
    }
    ts_status_t reset = ne2k_reset(n);
    status = status != TS_OK ? status : reset;
    return status != TS_OK || frame_is_address(n->mac) ? status : TS_ERR_UNSUPPORTED;
}

void ne2k_tell_sent(struct ne2k *n, bool tell)
{
    uint8_t causes = NE2K_CAUSE_RECEIVED | NE2K_CAUSE_RX_ERROR | NE2K_CAUSE_OVERRUN;
    causes |= tell ? NE2K_CAUSE_SENT | NE2K_CAUSE_TX_ERROR : 0;
    if (causes != n->causes) {
        ne2k_write(n, NE2K_IMR, causes);
        n->causes = causes;
    }
}

// Empties the ring; the card is stopped. (Equal, BNRY and CURR are a full one.)
static void empty_ring(struct ne2k *n)
{
    n->next = n->current = NE2K_RING + 1;
    ne2k_write(n, NE2K_BNRY, NE2K_RING);
    ne2k_write(n, NE2K_CR, NE2K_CR_STOP | NE2K_CR_PAGE_1);
    ne2k_write(n, NE2K_CURR, n->current);
    ne2k_write(n, NE2K_CR, NE2K_CR_STOP);
}

static void set_addresses(const struct ne2k *n)
{
    ne2k_write(n, NE2K_CR, NE2K_CR_STOP | NE2K_CR_PAGE_1);
    for (uint8_t i = 0; i < sizeof(n->mac); i++) {
        ne2k_write(n, NE2K_PAR + i, n->mac[i]);
    }
    for (uint8_t i = 0; i < 8; i++) {
        ne2k_write(n, NE2K_MAR + i, UINT8_MAX); // all groups
    }
    ne2k_write(n, NE2K_CR, NE2K_CR_STOP);
}

ts_status_t ne2k_start(struct ne2k *n)
{
    ts_status_t status = ne2k_reset(n);
    if (status != TS_OK) {
        return status;
    }
    n->tx_first = n->tx_count = 0;
    n->sending = n->failed = false;
    n->rooms = (struct frame_rooms){0};
    ne2k_write(n, NE2K_DCR, NE2K_DCR_WORDS);
    ne2k_write_pair(n, NE2K_RBCR, 0);
    ne2k_write(n, NE2K_RCR, NE2K_RCR_MONITOR);
    ne2k_write(n, NE2K_TCR, NE2K_TCR_LOOPBACK);
    ne2k_write(n, NE2K_PSTART, NE2K_RING);
    ne2k_write(n, NE2K_PSTOP, NE2K_RING_STOP);
    empty_ring(n);
    set_addresses(n);
    ne2k_tell_sent(n, false);
    ne2k_write(n, NE2K_CR, NE2K_CR_START);
    ne2k_write(n, NE2K_TCR, NE2K_TCR_NORMAL);
    ne2k_write(n, NE2K_RCR, NE2K_RCR_NORMAL);
    return TS_OK;
}

void ne2k_send_oldest(struct ne2k *n)
{
    if (n->sending || n->tx_count == 0) {
        return;
    }
    ne2k_write(n, NE2K_TPSR, (uint8_t)(NE2K_BUFFERS + n->tx_first * NE2K_BUFFER));
    ne2k_write_pair(n, NE2K_TBCR, n->lengths[n->tx_first]);
    ne2k_write(n, NE2K_CR, NE2K_CR_SEND);
    n->sending = true;
}

// The datasheet's order. A frame that was on its way when the card was stopped is sent again,
// unless the card says what became of it.
void ne2k_recover(struct ne2k *n)
{
    bool busy = ne2k_read(n, NE2K_CR) & NE2K_CR_BUSY;
    ne2k_write(n, NE2K_CR, NE2K_CR_STOP);
    ts_sleep_until(ts_deadline_in(STOP_NS));
    ne2k_write_pair(n, NE2K_RBCR, 0);
    uint8_t causes = ne2k_read(n, NE2K_ISR);
    bool again = busy && !(causes & (NE2K_CAUSE_SENT | NE2K_CAUSE_TX_ERROR));
    ne2k_write(n, NE2K_TCR, NE2K_TCR_LOOPBACK);
    empty_ring(n);
    ne2k_write(n, NE2K_CR, NE2K_CR_START);
    ne2k_write(n, NE2K_ISR, NE2K_CAUSE_OVERRUN | NE2K_CAUSE_RECEIVED | NE2K_CAUSE_RX_ERROR);
    ne2k_write(n, NE2K_TCR, NE2K_TCR_NORMAL);
    if (n->sending && again) {
        n->sending = false;
        ne2k_send_oldest(n);
    }
}
