// SPDX-License-Identifier: MIT
#include "fake_ne2k.h"

#include "tests/host/check.h"

#include <string.h>

#define STOPPED    0x01u
#define STARTED    0x02u
#define RING_PAGES (NE2K_RING_STOP - NE2K_RING)

void fake_ne2k_init(struct fake_ne2k *card)
{
    static const uint8_t mac[6] = {0x02, 0x00, 0x11, 0x22, 0x33, 0x44};
    *card = (struct fake_ne2k){.command = NE2K_CR_START | NE2K_CR_PAGE_1};
    for (unsigned i = 0; i < 12; i++) {
        card->memory[i] = mac[i / 2];
    }
    card->page_0[NE2K_IMR] = UINT8_MAX;
}

static bool in_page_1(const struct fake_ne2k *card)
{
    return (card->command & NE2K_CR_PAGE_1) != 0;
}

static uint8_t read_port(void *context, uint8_t port)
{
    struct fake_ne2k *card = context;
    if (card->gone) {
        return UINT8_MAX;
    }
    switch (port) {
    case NE2K_CR: return card->command;
    case NE2K_RESET:
        card->command = card->deaf ? card->command : NE2K_CR_STOP;
        card->causes |= card->deaf ? 0 : NE2K_CAUSE_RESET;
        return 0;
    default:
        CHECK(port == NE2K_ISR); // or CURR
        return in_page_1(card) ? card->page_1[NE2K_CURR] : card->causes;
    }
}

static void write_command(struct fake_ne2k *card, uint8_t value)
{
    uint8_t sends = (card->command | value) & NE2K_CR_BUSY; // only the card ends that
    card->command = value | (value & STOPPED ? card->command & NE2K_CR_BUSY : sends);
    if ((value & 0x18) == 0x08 || (value & 0x18) == 0x10) {
        card->writing = (value & 0x18) == 0x10;
        card->at = card->page_0[NE2K_RSAR] | (uint32_t)card->page_0[NE2K_RSAR + 1] << 8;
        card->left = card->page_0[NE2K_RBCR] | (uint32_t)card->page_0[NE2K_RBCR + 1] << 8;
    }
}

static void write_port(void *context, uint8_t port, uint8_t value)
{
    struct fake_ne2k *card = context;
    CHECK(port < NE2K_DATA || port == NE2K_RESET);
    if (port == NE2K_RESET) {
        return;
    }
    if (port == NE2K_CR) {
        write_command(card, value);
    } else if (in_page_1(card)) {
        CHECK(port != NE2K_CURR || (card->command & STOPPED));
        card->page_1[port] = value;
    } else if (port == NE2K_ISR) {
        bool over = card->causes & value & NE2K_CAUSE_OVERRUN && card->command & STARTED;
        CHECK(!over || card->page_0[NE2K_TCR] == NE2K_TCR_LOOPBACK);
        card->recoveries += over;
        card->causes &= (uint8_t)~value;
    } else {
        card->page_0[port] = value;
    }
}

static void step(struct fake_ne2k *card)
{
    card->at++;
    card->left--;
    if (card->at == NE2K_RING_STOP * NE2K_PAGE) {
        card->at = NE2K_RING * NE2K_PAGE;
    }
    card->causes |= card->left == 0 && !card->lost ? NE2K_CAUSE_MOVED : 0;
}

static ts_status_t read_many(void *context, void *out, uint32_t bytes)
{
    struct fake_ne2k *card = context;
    if (card->gone) {
        memset(out, UINT8_MAX, bytes);
        return TS_OK;
    }
    CHECK(bytes % 2 == 0 && !card->writing && card->page_0[NE2K_DCR] == NE2K_DCR_WORDS);
    for (uint32_t i = 0; i < bytes; i++) {
        CHECK(card->left > 0 && card->at < FAKE_NE2K_MEMORY);
        ((uint8_t *)out)[i] = card->memory[card->at];
        step(card);
    }
    return TS_OK;
}

static ts_status_t write_many(void *context, const void *from, uint32_t bytes)
{
    struct fake_ne2k *card = context;
    if (card->gone) {
        return TS_OK;
    }
    CHECK(bytes % 2 == 0 && card->writing);
    for (uint32_t i = 0; i < bytes; i++) {
        CHECK(card->left > 0 && card->at >= NE2K_BUFFERS * NE2K_PAGE &&
              card->at < NE2K_RING * NE2K_PAGE);
        card->memory[card->at] = ((const uint8_t *)from)[i];
        step(card);
    }
    return TS_OK;
}

const struct ne2k_registers fake_ne2k_registers = {read_port, write_port, read_many, write_many};

const uint8_t *fake_ne2k_send(struct fake_ne2k *card, uint32_t *out_length)
{
    if (!(card->command & NE2K_CR_BUSY)) {
        return NULL;
    }
    CHECK(card->page_0[NE2K_TCR] == NE2K_TCR_NORMAL);
    *out_length = card->page_0[NE2K_TBCR] | (uint32_t)card->page_0[NE2K_TBCR + 1] << 8;
    CHECK(*out_length >= 60);
    card->command &= (uint8_t)~NE2K_CR_BUSY;
    card->causes |= NE2K_CAUSE_SENT;
    return card->memory + card->page_0[NE2K_TPSR] * NE2K_PAGE;
}

bool fake_ne2k_receive(struct fake_ne2k *card, const uint8_t *bytes, uint32_t length, bool overruns)
{
    uint32_t count = length + NE2K_CRC, at = card->page_1[NE2K_CURR];
    uint32_t pages = (count + NE2K_HEADER + NE2K_PAGE - 1) / NE2K_PAGE;
    uint32_t room = (card->page_0[NE2K_BNRY] + RING_PAGES - at) % RING_PAGES;
    if (!(card->command & STARTED) || card->page_0[NE2K_RCR] != NE2K_RCR_NORMAL ||
        (card->causes & NE2K_CAUSE_OVERRUN)) {
        return false;
    }
    if (pages > room) {
        card->causes |= overruns ? NE2K_CAUSE_OVERRUN : 0;
        return false;
    }
    uint32_t next = NE2K_RING + (at - NE2K_RING + pages) % RING_PAGES;
    const uint8_t header[] = {NE2K_RX_OK, (uint8_t)next, (uint8_t)count, (uint8_t)(count >> 8)};
    for (uint32_t i = 0; i < NE2K_HEADER + length; i++) {
        uint32_t place = ((at - NE2K_RING) * NE2K_PAGE + i) % (RING_PAGES * NE2K_PAGE);
        card->memory[NE2K_RING * NE2K_PAGE + place] =
            i < NE2K_HEADER ? header[i] : bytes[i - NE2K_HEADER];
    }
    card->page_1[NE2K_CURR] = (uint8_t)next;
    card->causes |= NE2K_CAUSE_RECEIVED;
    return true;
}
