// SPDX-License-Identifier: MIT
#include "ps2_fake.h"

struct fake_controller fake;

void fake_begin(enum fake_kind first, enum fake_kind second)
{
    fake = (struct fake_controller){.test_answer = 0x55, .settings = 0x45};
    fake.devices[0].kind = first;
    fake.devices[1].kind = second;
}

static void queue(unsigned port, uint8_t byte)
{
    if (fake.queued < FAKE_BYTES) {
        fake.queue[fake.queued].byte = byte;
        fake.queue[fake.queued].port = (uint8_t)port;
        fake.queue[fake.queued++].bad = false;
        fake.wait = fake.delay;
    }
}

void fake_send(unsigned port, uint8_t byte)
{
    queue(port, byte);
}

static void identify(unsigned port, const struct fake_device *device)
{
    if (device->kind == FAKE_MOUSE) {
        queue(port, device->id);
    } else if (device->kind == FAKE_KEYBOARD) {
        queue(port, 0xab);
        queue(port, port == 0 && (fake.settings & 0x40) ? 0x41 : 0x83);
    }
}

static void set_rate(struct fake_device *device, uint8_t rate)
{
    uint8_t *r = device->rates;
    r[0] = r[1], r[1] = r[2], r[2] = rate;
    if (r[0] == 200 && r[1] == 100 && r[2] == 80 && device->best >= 3) {
        device->id = 3;
    }
    if (r[0] == 200 && r[1] == 200 && r[2] == 80 && device->best >= 4) {
        device->id = 4;
    }
}

static void parameter(struct fake_device *device, uint8_t byte)
{
    if (device->parameter == 0xed) {
        device->lights = byte;
    } else if (device->parameter == 0xf3 && device->kind == FAKE_MOUSE) {
        set_rate(device, byte);
    }
    device->parameter = 0;
}

// A byte for a device.
static void tell(unsigned port, uint8_t byte)
{
    struct fake_device *device = &fake.devices[port];
    if (device->kind == FAKE_NOTHING || device->silent) {
        return;
    }
    if (device->again > 0) {
        device->again -= device->again != FAKE_FOREVER;
        queue(port, 0xfe);
        return;
    }
    queue(port, 0xfa);
    if (device->parameter != 0) {
        parameter(device, byte);
        return;
    }
    switch (byte) {
    case 0xff:
        device->enabled = false;
        device->id = 0;
        queue(port, 0xaa);
        if (device->kind == FAKE_MOUSE) {
            queue(port, 0);
        }
        break;
    case 0xf2: identify(port, device); break;
    case 0xf4: device->enabled = true; break;
    case 0xf5: device->enabled = false; break;
    case 0xf3:
    case 0xed:
    case 0xe8: device->parameter = byte; break;
    default: break;
    }
}

static void command(uint8_t byte)
{
    switch (byte) {
    case 0x20: queue(0, fake.settings); break;
    case 0xa7: fake.settings |= 0x20; break;
    case 0xa8: fake.settings &= fake.one_port ? 0xff : 0xdf; break;
    case 0xa9: queue(0, fake.port_answer[1]); break;
    case 0xaa:
        queue(0, fake.test_answer);
        fake.settings = 0x70; // some forget what was set
        break;
    case 0xab: queue(0, fake.port_answer[0]); break;
    case 0xad: fake.settings |= 0x10; break;
    case 0xae: fake.settings &= 0xef; break;
    default: fake.command = byte; break;
    }
}

uint8_t fake_read(bool data)
{
    if (fake.absent) {
        return 0xff;
    }
    if (!data) {
        fake.looks++;
        fake.busy -= fake.busy > 0 && fake.busy != FAKE_FOREVER;
        bool shows = fake.stuck || (fake.queued > 0 && fake.wait == 0);
        fake.wait -= fake.wait > 0 && fake.wait != FAKE_FOREVER;
        return (uint8_t)((shows ? 1u : 0u) | (fake.busy > 0 ? 2u : 0u) |
                         (fake.queued > 0 && fake.queue[0].port ? 0x20u : 0u) |
                         (fake.queued > 0 && fake.queue[0].bad ? 0x80u : 0u));
    }
    if (fake.queued == 0) {
        return 0x5a;
    }
    uint8_t byte = fake.queue[0].byte;
    for (uint32_t i = 1; i < fake.queued; i++) {
        fake.queue[i - 1] = fake.queue[i];
    }
    fake.queued--;
    fake.wait = fake.delay;
    return byte;
}

void fake_write(bool data, uint8_t value)
{
    if (fake.absent || fake.busy > 0) {
        return;
    }
    if (!data) {
        fake.command = 0;
        command(value);
    } else if (fake.command == 0x60) {
        fake.settings = fake.one_port ? value | 0x20 : value;
        fake.command = 0;
    } else if (fake.command == 0xd4) {
        fake.command = 0;
        tell(1, value);
    } else {
        tell(0, value);
    }
}
