// SPDX-License-Identifier: MIT
#include "fake_rtl8139.h"

#include "tests/host/check.h"

#include <string.h>

#define OWN 0x2000u // of a buffer's state: it is the driver's

uint32_t fake_rtl8139_get(const struct fake_rtl8139 *chip, uint32_t offset, unsigned width)
{
    uint32_t value = 0;
    memcpy(&value, chip->registers + offset, width);
    return value;
}

void fake_rtl8139_put(struct fake_rtl8139 *chip, uint32_t offset, unsigned width, uint32_t value)
{
    memcpy(chip->registers + offset, &value, width);
}

// What a reset leaves as it is: the address and the link.
static void reset(struct fake_rtl8139 *chip)
{
    memset(chip->registers + RTL8139_MAR, 0, RTL8139_MSR - RTL8139_MAR);
    for (uint32_t i = 0; i < RTL8139_TX; i++) {
        fake_rtl8139_put(chip, RTL8139_TSD + 4 * i, 4, OWN);
    }
    fake_rtl8139_put(chip, RTL8139_CAPR, 2, 0xfff0);
    chip->written = chip->next = 0;
}

void fake_rtl8139_init(struct fake_rtl8139 *chip)
{
    static const uint8_t mac[6] = {0x02, 0x00, 0x11, 0x22, 0x33, 0x44};
    *chip = (struct fake_rtl8139){0};
    memcpy(chip->registers + RTL8139_IDR, mac, sizeof(mac));
    fake_rtl8139_put(chip, RTL8139_CR, 1, RTL8139_CR_RECV);
    fake_rtl8139_put(chip, RTL8139_IMR, 2, RTL8139_CAUSE_RECEIVED);
}

// The driver's place in the ring.
static uint32_t read_up_to(const struct fake_rtl8139 *chip)
{
    return (fake_rtl8139_get(chip, RTL8139_CAPR, 2) + 16) % RTL8139_RING;
}

static uint32_t width_of(uint32_t offset)
{
    switch (offset) {
    case RTL8139_CR:
    case RTL8139_MSR: return 1;
    case RTL8139_CAPR:
    case RTL8139_IMR:
    case RTL8139_ISR: return 2;
    default: return offset < RTL8139_MAR ? 1 : 4;
    }
}

static uint32_t read_register(void *context, uint32_t offset, unsigned width)
{
    const struct fake_rtl8139 *chip = context;
    CHECK(offset + width <= RTL8139_REGISTERS && width == width_of(offset));
    if (chip->gone) {
        return UINT32_MAX >> (32 - 8 * width);
    }
    uint32_t value = fake_rtl8139_get(chip, offset, width);
    if (offset == RTL8139_CR) {
        value |= read_up_to(chip) == chip->written ? RTL8139_CR_EMPTY : 0;
    }
    return value;
}

static void write_command(struct fake_rtl8139 *chip, uint32_t value)
{
    if (!(value & RTL8139_CR_RESET)) {
        fake_rtl8139_put(chip, RTL8139_CR, 1, value);
    } else if (chip->deaf) {
        fake_rtl8139_put(chip, RTL8139_CR, 1, RTL8139_CR_RESET);
    } else {
        reset(chip);
        fake_rtl8139_put(chip, RTL8139_CR, 1, chip->busy ? RTL8139_CR_RECV : 0);
    }
}

static void write_register(void *context, uint32_t offset, unsigned width, uint32_t value)
{
    struct fake_rtl8139 *chip = context;
    uint32_t on = fake_rtl8139_get(chip, RTL8139_CR, 1);
    CHECK(offset + width <= RTL8139_REGISTERS && width == width_of(offset));
    switch (offset) {
    case RTL8139_CR: write_command(chip, value); return;
    case RTL8139_ISR: value = fake_rtl8139_get(chip, offset, 2) & ~value; break;
    case RTL8139_CAPR: CHECK(value % 4 == 0); break;
    case RTL8139_TCR:
        CHECK(on & RTL8139_CR_SEND);
        chip->clears |= value & RTL8139_TCR_CLEAR_ABORT;
        break;
    case RTL8139_RCR: CHECK(on & RTL8139_CR_RECV); break;
    default: break;
    }
    fake_rtl8139_put(chip, offset, width, value);
}

const struct rtl8139_registers fake_rtl8139_registers = {read_register, write_register};

const uint8_t *fake_rtl8139_send(struct fake_rtl8139 *chip, uint32_t state, uint32_t *out_length)
{
    uint32_t at = RTL8139_TSD + 4u * chip->next, status = fake_rtl8139_get(chip, at, 4);
    if (status & OWN) {
        return NULL;
    }
    *out_length = status & RTL8139_TSD_LENGTH;
    CHECK(*out_length >= 60 && (fake_rtl8139_get(chip, RTL8139_CR, 1) & RTL8139_CR_SEND));
    uint32_t address = fake_rtl8139_get(chip, RTL8139_TSAD + 4u * chip->next, 4);
    CHECK(address % 4 == 0);
    fake_rtl8139_put(chip, at, 4, status | OWN | state);
    chip->next = (chip->next + 1) % RTL8139_TX;
    return (const uint8_t *)(uintptr_t)address;
}

bool fake_rtl8139_receive(struct fake_rtl8139 *chip, uint32_t header, const uint8_t *bytes,
                          uint32_t length)
{
    uint32_t taken = (chip->written - read_up_to(chip)) % RTL8139_RING;
    uint32_t size = (4 + length + RTL8139_RX_CRC + 3) & ~3u;
    uint8_t *ring = (uint8_t *)(uintptr_t)fake_rtl8139_get(chip, RTL8139_RBSTART, 4);
    if (!(fake_rtl8139_get(chip, RTL8139_CR, 1) & RTL8139_CR_RECV) ||
        taken + size >= RTL8139_RING) {
        return false;
    }
    memcpy(ring + chip->written, &header, 4);
    for (uint32_t i = 0; i < length; i++) {
        ring[(chip->written + 4 + i) % RTL8139_RING] = bytes[i];
    }
    chip->written = (chip->written + size) % RTL8139_RING;
    fake_rtl8139_put(chip, RTL8139_ISR, 2, RTL8139_CAUSE_RECEIVED);
    return true;
}
