// SPDX-License-Identifier: MIT
// The device's life: reset, address, start. No wait is longer than WAIT_TRIES milliseconds.
#include "e1000.h"
#include "registers.h"

#include <string.h>
#include <tessera/lib/clock.h>

#define WAIT_TRIES 100u                 // of a millisecond
#define SETTLE_NS  (5 * TS_MILLISECOND) // after a reset: an 8254x reads its NVM meanwhile

#define NVM_WORDS 64u
#define NVM_SUM   0xbabau // of all of them

// At most one interrupt in 500 times 256 ns, 7,812 a second.
#define INTERRUPT_GAP 500u

static bool is_express(const struct e1000 *e)
{
    return e->family != E1000_8254X;
}

// Waits until the bits of the mask have this value. False: not in time.
static bool wait_for(const struct e1000 *e, uint32_t offset, uint32_t mask, uint32_t value)
{
    for (unsigned tries = 0; (e1000_read(e, offset) & mask) != value; tries++) {
        if (tries == WAIT_TRIES) {
            return false;
        }
        ts_sleep_until(ts_deadline_in(TS_MILLISECOND));
    }
    return true;
}

static void silence(const struct e1000 *e)
{
    e1000_write(e, E1000_IMC, UINT32_MAX);
    (void)e1000_read(e, E1000_ICR);
    e1000_write(e, E1000_ICR, UINT32_MAX);
}

ts_status_t e1000_reset(struct e1000 *e)
{
    silence(e);
    // Some models keep these over a reset.
    e1000_write(e, E1000_RCTL, 0);
    e1000_write(e, E1000_TCTL, E1000_TCTL_PAD);
    uint32_t control = e1000_read(e, E1000_CTRL);
    if (is_express(e)) {
        // It ends what it asked for of memory. One that does not is reset all the same.
        e1000_write(e, E1000_CTRL, control | E1000_CTRL_MASTER_OFF);
        (void)wait_for(e, E1000_STATUS, E1000_STATUS_MASTER, 0);
    }
    e1000_write(e, E1000_CTRL, control | E1000_CTRL_RESET);
    ts_sleep_until(ts_deadline_in(TS_MILLISECOND)); // it answers to nothing for a microsecond
    bool done = wait_for(e, E1000_CTRL, E1000_CTRL_RESET, 0);
    if (done && e->family == E1000_82574) {
        done = wait_for(e, E1000_EECD, E1000_EECD_LOADED, E1000_EECD_LOADED);
    }
    ts_sleep_until(ts_deadline_in(SETTLE_NS));
    silence(e);
    bool at_rest = !(e1000_read(e, E1000_RCTL) & E1000_RCTL_ENABLE) &&
                   !(e1000_read(e, E1000_TCTL) & E1000_TCTL_ENABLE);
    return done && at_rest ? TS_OK : TS_ERR_IO;
}

// ---- Address

static bool nvm_read(const struct e1000 *e, uint32_t word, uint16_t *out_value)
{
    bool express = is_express(e);
    uint32_t done = express ? 0x02 : 0x10;
    e1000_write(e, E1000_EERD, word << (express ? 2 : 8) | E1000_EERD_START);
    if (!wait_for(e, E1000_EERD, done, done)) {
        return false;
    }
    *out_value = (uint16_t)(e1000_read(e, E1000_EERD) >> 16);
    return true;
}

// The address in the NVM, if the sum of that is right.
static bool nvm_address(const struct e1000 *e, uint8_t out_mac[6])
{
    uint16_t sum = 0, words[NVM_WORDS];
    for (uint32_t i = 0; i < NVM_WORDS; i++) {
        if (!nvm_read(e, i, &words[i])) {
            return false;
        }
        sum = (uint16_t)(sum + words[i]);
    }
    for (unsigned i = 0; i < 6; i++) {
        out_mac[i] = (uint8_t)(words[i / 2] >> (i % 2 * 8));
    }
    return sum == NVM_SUM;
}

// The address that the reset has brought from the NVM into the registers.
static bool register_address(const struct e1000 *e, uint8_t out_mac[6])
{
    uint32_t low = e1000_read(e, E1000_RAL0), high = e1000_read(e, E1000_RAH0);
    for (unsigned i = 0; i < 6; i++) {
        out_mac[i] = (uint8_t)(i < 4 ? low >> (i * 8) : high >> (i * 8 - 32));
    }
    return (high & E1000_RAH_VALID) != 0;
}

static enum e1000_family family_of(uint16_t device)
{
    switch (device) {
    case 0x100e:
    case 0x100f: return E1000_8254X;
    case 0x10d3: return E1000_82574;
    case 0x153a:
    case 0x153b:
    case 0x1559:
    case 0x155a:
    case 0x15a0:
    case 0x15a1:
    case 0x15a2:
    case 0x15a3: return E1000_I217;
    default: return E1000_I219;
    }
}

ts_status_t e1000_identify(struct e1000 *e, const struct e1000_registers *registers, void *context,
                           uint16_t device)
{
    *e = (struct e1000){.registers = registers, .context = context, .family = family_of(device)};
    ts_status_t status = e1000_reset(e);
    if (status != TS_OK) {
        return status;
    }
    // A chipset's NVM is not behind these registers.
    bool has_nvm = e->family == E1000_8254X || e->family == E1000_82574;
    if (has_nvm && nvm_address(e, e->mac) && frame_is_address(e->mac)) {
        return TS_OK;
    }
    return register_address(e, e->mac) && frame_is_address(e->mac) ? TS_OK : TS_ERR_UNSUPPORTED;
}

// ---- Start

static void set_link(const struct e1000 *e)
{
    uint32_t control = e1000_read(e, E1000_CTRL);
    control &=
        ~(E1000_CTRL_MASTER_OFF | E1000_CTRL_LINK_RESET | E1000_CTRL_INVERT_LOSS |
          E1000_CTRL_FORCE_SPEED | E1000_CTRL_FORCE_DUPLEX | E1000_CTRL_RESET | E1000_CTRL_VLAN);
    e1000_write(e, E1000_CTRL, control | E1000_CTRL_LINK_UP | E1000_CTRL_DETECT_SPEED);
    if (e->family == E1000_I219) { // its next reset would stop its data path for good
        e1000_write(e, E1000_FEXTNVM11, e1000_read(e, E1000_FEXTNVM11) | E1000_FEXTNVM11_NO_HANG);
    }
}

// Its own address, and none besides; of groups all (RCTL).
static void set_addresses(const struct e1000 *e)
{
    const uint8_t *m = e->mac;
    e1000_write(e, E1000_RAL0,
                m[0] | (uint32_t)m[1] << 8 | (uint32_t)m[2] << 16 | (uint32_t)m[3] << 24);
    e1000_write(e, E1000_RAH0, m[4] | (uint32_t)m[5] << 8 | E1000_RAH_VALID);
    for (uint32_t i = 1; i < E1000_ADDRESSES; i++) {
        e1000_write(e, E1000_RAH0 + 8 * i, 0);
        e1000_write(e, E1000_RAL0 + 8 * i, 0);
    }
    for (uint32_t i = 0; i < E1000_MTA_WORDS; i++) {
        e1000_write(e, E1000_MTA + 4 * i, 0);
    }
}

static void set_queue(const struct e1000 *e, uint32_t queue, struct e1000_ring *ring)
{
    size_t bytes = ring->size * sizeof(*ring->descriptors);
    uint64_t bus =
        e->memory.bus + (uint64_t)((uint8_t *)ring->descriptors - (uint8_t *)e->memory.address);
    memset(ring->descriptors, 0, bytes);
    e1000_ring_reset(ring);
    e1000_write(e, queue + E1000_QUEUE_LOW, ts_pair_low(bus));
    e1000_write(e, queue + E1000_QUEUE_HIGH, ts_pair_high(bus));
    e1000_write(e, queue + E1000_QUEUE_LENGTH, (uint32_t)bytes);
    e1000_write(e, queue + E1000_QUEUE_HEAD, 0);
    e1000_write(e, queue + E1000_QUEUE_TAIL, 0);
}

uint32_t e1000_causes(const struct e1000 *e)
{
    return E1000_CAUSE_LINK | E1000_CAUSE_OVERRUN |
           (e->messages ? E1000_CAUSE_RX_QUEUE | E1000_CAUSE_OTHER : E1000_CAUSE_RECEIVED);
}

uint32_t e1000_cause_sent(const struct e1000 *e)
{
    return e->messages ? E1000_CAUSE_TX_QUEUE : E1000_CAUSE_SENT;
}

static void set_interrupts(struct e1000 *e)
{
    if (e->messages) {
        e1000_write(e, E1000_IVAR, E1000_IVAR_ALL_TO_0);
    }
    e1000_write(e, e->messages ? E1000_EITR0 : E1000_ITR, INTERRUPT_GAP);
    e1000_write(e, E1000_RDTR, 0);
    e->tells_sent = false;
    e1000_write(e, E1000_IMS, e1000_causes(e));
}

ts_status_t e1000_start(struct e1000 *e)
{
    ts_status_t status = e1000_reset(e);
    if (status != TS_OK) {
        return status;
    }
    set_link(e);
    set_addresses(e);
    set_queue(e, E1000_RDBAL, &e->rx);
    set_queue(e, E1000_TDBAL, &e->tx);
    e->sum = 0;
    if (is_express(e)) {
        e1000_write(e, E1000_TXDCTL, E1000_TXDCTL_EACH);
    }
    e1000_write(e, E1000_TIPG, E1000_TIPG_COPPER);
    e1000_write(e, E1000_RXCSUM, E1000_RXCSUM_IP | E1000_RXCSUM_TCP);
    set_interrupts(e);
    e1000_write(e, E1000_TCTL, E1000_TCTL_ENABLE | E1000_TCTL_PAD | E1000_TCTL_HALF_DUPLEX);
    e1000_write(e, E1000_RCTL,
                E1000_RCTL_ENABLE | E1000_RCTL_ALL_MULTICAST | E1000_RCTL_BROADCAST |
                    E1000_RCTL_STRIP_CRC);
    return TS_OK;
}
