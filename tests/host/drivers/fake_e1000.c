// SPDX-License-Identifier: MIT
#include "fake_e1000.h"

#include "registers.h"
#include "tests/host/check.h"

#include <string.h>

#define NVM_SUM 0xbabau

static uint32_t *reg(struct fake_e1000 *chip, uint32_t offset)
{
    CHECK(offset % 4 == 0 && offset < E1000_REGISTERS);
    return &chip->registers[offset / 4];
}

static uint32_t get(const struct fake_e1000 *chip, uint32_t offset)
{
    return chip->registers[offset / 4];
}

void fake_e1000_init(struct fake_e1000 *chip, bool express)
{
    *chip = (struct fake_e1000){.nvm = {0x0002, 0x2211, 0x4433}, .express = express};
    uint16_t sum = 0;
    for (unsigned i = 0; i < FAKE_NVM - 1; i++) {
        sum = (uint16_t)(sum + chip->nvm[i]);
    }
    chip->nvm[FAKE_NVM - 1] = (uint16_t)(NVM_SUM - sum);
    *reg(chip, E1000_STATUS) = E1000_STATUS_LINK | (express ? E1000_STATUS_MASTER : 0);
    *reg(chip, E1000_RCTL) = E1000_RCTL_ENABLE; // as firmware has left it
}

static uint32_t read_nvm(const struct fake_e1000 *chip)
{
    uint32_t asked = get(chip, E1000_EERD);
    uint32_t word = asked >> (chip->express ? 2 : 8);
    if (!(asked & E1000_EERD_START) || chip->no_nvm || word >= FAKE_NVM) {
        return 0;
    }
    return (uint32_t)chip->nvm[word] << 16 | (chip->express ? 0x02 : 0x10);
}

static uint32_t read_register(void *context, uint32_t offset)
{
    struct fake_e1000 *chip = context;
    if (chip->gone) {
        return UINT32_MAX;
    }
    switch (offset) {
    case E1000_EERD: return read_nvm(chip);
    case E1000_ICR: {
        uint32_t causes = chip->causes;
        chip->causes = chip->express ? causes : 0; // QEMU's 82574 waits for a write
        return causes;
    }
    default: return *reg(chip, offset);
    }
}

// What the manuals say of a reset; the link stays.
static void reset(struct fake_e1000 *chip)
{
    uint32_t status = get(chip, E1000_STATUS), receive = get(chip, E1000_RCTL);
    memset(chip->registers, 0, sizeof(chip->registers));
    chip->causes = chip->mask = 0;
    *reg(chip, E1000_STATUS) = status | (chip->express ? E1000_STATUS_MASTER : 0);
    *reg(chip, E1000_EECD) = chip->no_load ? 0 : E1000_EECD_LOADED;
    *reg(chip, E1000_RAL0) = chip->nvm[0] | (uint32_t)chip->nvm[1] << 16;
    *reg(chip, E1000_RAH0) = chip->nvm[2] | E1000_RAH_VALID;
    *reg(chip, E1000_RCTL) = chip->busy ? receive | E1000_RCTL_ENABLE : 0;
}

static void write_control(struct fake_e1000 *chip, uint32_t value)
{
    *reg(chip, E1000_CTRL) = value;
    if (value & E1000_CTRL_MASTER_OFF) {
        *reg(chip, E1000_STATUS) &= ~E1000_STATUS_MASTER;
    }
    if ((value & E1000_CTRL_RESET) && !chip->deaf) {
        reset(chip);
    }
}

static void check_queue(const struct fake_e1000 *chip, uint32_t queue, uint32_t tail)
{
    uint32_t length = get(chip, queue + E1000_QUEUE_LENGTH);
    CHECK(length > 0 && length % 128 == 0 && tail < length / 16);
    CHECK(get(chip, queue + E1000_QUEUE_LOW) % 16 == 0);
}

static void write_register(void *context, uint32_t offset, uint32_t value)
{
    struct fake_e1000 *chip = context;
    switch (offset) {
    case E1000_CTRL: write_control(chip, value); return;
    case E1000_IMS: chip->mask |= value; return;
    case E1000_IMC: chip->mask &= ~value; return;
    case E1000_ICR: chip->causes &= ~value; return;
    case E1000_RDBAL + E1000_QUEUE_TAIL:
    case E1000_TDBAL + E1000_QUEUE_TAIL:
        check_queue(chip, offset - E1000_QUEUE_TAIL, value);
        chip->writes++;
        break;
    default: break;
    }
    *reg(chip, offset) = value;
}

const struct e1000_registers fake_e1000_registers = {read_register, write_register};

// The descriptor at the head; NULL: the chip has none, or is off.
static struct e1000_descriptor *at_head(const struct fake_e1000 *chip, uint32_t queue, bool enabled)
{
    uint32_t head = get(chip, queue + E1000_QUEUE_HEAD);
    if (!enabled || head == get(chip, queue + E1000_QUEUE_TAIL)) {
        return NULL;
    }
    uint64_t base =
        get(chip, queue + E1000_QUEUE_LOW) | (uint64_t)get(chip, queue + E1000_QUEUE_HIGH) << 32;
    return (struct e1000_descriptor *)base + head;
}

static void advance(struct fake_e1000 *chip, uint32_t queue)
{
    uint32_t size = get(chip, queue + E1000_QUEUE_LENGTH) / 16;
    uint32_t *head = reg(chip, queue + E1000_QUEUE_HEAD);
    *head = (*head + 1) % size;
}

static void take_piece(const struct e1000_descriptor *d, struct fake_frame *out)
{
    uint32_t length = d->word & 0xfffff;
    CHECK((d->word & E1000_TX_DATA) && (d->word & E1000_TX_CRC) && length > 0);
    CHECK(out->length + length <= sizeof(out->bytes));
    memcpy(out->bytes + out->length, (void *)(d->address & ~FAKE_ODD_PAGE), length);
    out->length += length;
    out->summed |= (d->word & E1000_TX_SUM) != 0;
}

bool fake_e1000_send(struct fake_e1000 *chip, struct fake_frame *out)
{
    bool enabled = get(chip, E1000_TCTL) & E1000_TCTL_ENABLE, end = false;
    *out = (struct fake_frame){0};
    if (at_head(chip, E1000_TDBAL, enabled) == NULL) {
        return false;
    }
    while (!end) {
        struct e1000_descriptor *d = at_head(chip, E1000_TDBAL, enabled);
        CHECK(d != NULL && (d->word & E1000_TX_EXTENDED)); // frames are shown as wholes
        if (!(d->word & E1000_TX_DATA)) {
            chip->context = d->address;
        } else {
            take_piece(d, out);
            end = (d->word & E1000_TX_END) != 0;
        }
        CHECK(!end || (d->word & E1000_TX_REPORT));
        if (d->word & E1000_TX_REPORT) {
            d->word |= E1000_TX_DONE;
        }
        advance(chip, E1000_TDBAL);
    }
    out->start = (uint8_t)(chip->context >> 32);
    out->place = (uint8_t)(chip->context >> 40);
    chip->causes |= E1000_CAUSE_SENT;
    return true;
}

uint8_t *fake_e1000_room(const struct fake_e1000 *chip)
{
    const struct e1000_descriptor *d =
        at_head(chip, E1000_RDBAL, get(chip, E1000_RCTL) & E1000_RCTL_ENABLE);
    return d != NULL ? (uint8_t *)(d->address & ~FAKE_ODD_PAGE) : NULL;
}

void fake_e1000_done(struct fake_e1000 *chip, uint64_t word)
{
    struct e1000_descriptor *d = at_head(chip, E1000_RDBAL, true);
    CHECK(d != NULL && d->word == 0);
    d->word = word;
    advance(chip, E1000_RDBAL);
    chip->causes |= E1000_CAUSE_RECEIVED;
}
