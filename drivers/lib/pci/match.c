// SPDX-License-Identifier: MIT
#include <drivers/pci/match.h>

#include <string.h>
#include <tessera/abi/word.h>

#define VIRTIO_VENDOR       0x1af4u
#define VIRTIO_MODERN       0x1040u // + device type
#define VIRTIO_TRANSITIONAL 0x1000u // to 0x103f: the type is the subsystem id

static const struct {
    const char *name;
    uint16_t type; // VIRTIO 1.2 section 5
} virtio_names[] = {
    {"net", 1}, {"block", 2}, {"console", 3}, {"rng", 4},
    {"9p", 9},  {"gpu", 16},  {"input", 18},  {"socket", 19},
};

// The part of the text that was not read yet.
struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *c, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0) {
        return false;
    }
    c->at += length;
    return true;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
}

// A number of between 1 and `digits` digits; how many it had, 0 = none.
static unsigned take_number(struct cursor *c, unsigned base, unsigned digits, uint32_t *out)
{
    uint32_t value = 0;
    unsigned n = 0;
    while (n < digits && c->at < c->end && digit_value(*c->at) < (int)base) {
        value = value * base + (uint32_t)digit_value(*c->at++);
        n++;
    }
    *out = value;
    return n;
}

static bool take_class(struct cursor *c, struct pci_match *out)
{
    uint32_t value;
    unsigned digits = take_number(c, 16, 6, &value);
    out->kind = PCI_MATCH_CLASS;
    out->class_code = value << (24 - 4 * digits);
    out->class_mask = (0xffffffu << (24 - 4 * digits)) & 0xffffffu;
    return digits == 4 || digits == 6;
}

static bool take_virtio(struct cursor *c, struct pci_match *out)
{
    uint32_t type;
    out->kind = PCI_MATCH_VIRTIO;
    struct cursor number = *c;
    // A name may start with a digit ("9p"), so a number is one only if it ends the word.
    if (take_number(&number, 10, 2, &type) > 0 && (number.at == number.end || *number.at == '/')) {
        out->virtio = (uint16_t)type;
        *c = number;
        return type > 0 && type < 64;
    }
    for (size_t i = 0; i < sizeof(virtio_names) / sizeof(virtio_names[0]); i++) {
        if (take(c, virtio_names[i].name)) {
            out->virtio = virtio_names[i].type;
            return true;
        }
    }
    return false;
}

// The rest of a list of device ids, after the first: ,dddd,dddd
static bool take_devices(struct cursor *c, uint32_t first, struct pci_match *out)
{
    uint32_t device = first;
    out->devices[out->device_count++] = (uint16_t)device;
    while (take(c, ",")) {
        if (out->device_count == PCI_MATCH_DEVICES || take_number(c, 16, 4, &device) != 4) {
            return false;
        }
        out->devices[out->device_count++] = (uint16_t)device;
    }
    return true;
}

// vvvv:dddd[,dddd…] or bb:ss.f
static bool take_pair(struct cursor *c, struct pci_match *out)
{
    uint32_t first, second, function;
    unsigned digits = take_number(c, 16, 4, &first);
    if (!take(c, ":")) {
        return false;
    }
    unsigned digits2 = take_number(c, 16, 4, &second);
    if (digits == 4 && digits2 == 4) {
        out->kind = PCI_MATCH_ID;
        out->vendor = (uint16_t)first;
        return take_devices(c, second, out);
    }
    out->kind = PCI_MATCH_ADDRESS;
    if (digits != 2 || digits2 != 2 || second > 31 || !take(c, ".") ||
        take_number(c, 16, 1, &function) != 1 || function > 7) {
        return false;
    }
    out->address = (uint16_t)ts_device_id(0, (uint8_t)first, (uint8_t)second, (uint8_t)function);
    return true;
}

ts_status_t pci_match_parse(const char *text, size_t length, struct pci_match *out)
{
    struct cursor c = {text, text + length};
    *out = (struct pci_match){0};
    bool good = take(&c, "class:")    ? take_class(&c, out)
                : take(&c, "virtio-") ? take_virtio(&c, out)
                                      : take_pair(&c, out);
    if (!good) {
        return TS_ERR_ARGUMENT;
    }
    struct cursor index = c;
    if (take(&index, "/all")) {
        out->all = true;
        return index.at == index.end ? TS_OK : TS_ERR_ARGUMENT;
    }
    if (take(&index, "/") && take_number(&index, 10, 4, &out->index) > 0) {
        if (out->kind == PCI_MATCH_ADDRESS) {
            return TS_ERR_ARGUMENT; // there is one at most
        }
        c = index;
    }
    out->information = take(&c, "/info");
    return c.at == c.end ? TS_OK : TS_ERR_ARGUMENT;
}

static bool is_virtio(const struct pci_identity *identity, uint16_t type)
{
    if (identity->vendor != VIRTIO_VENDOR) {
        return false;
    }
    return identity->device == VIRTIO_MODERN + type ||
           (identity->device >= VIRTIO_TRANSITIONAL && identity->device < VIRTIO_MODERN &&
            identity->subsystem == type);
}

static bool is_listed(const struct pci_match *match, uint16_t device)
{
    for (unsigned i = 0; i < match->device_count; i++) {
        if (match->devices[i] == device) {
            return true;
        }
    }
    return false;
}

bool pci_match_fits(const struct pci_match *match, const struct pci_identity *identity)
{
    switch (match->kind) {
    case PCI_MATCH_ADDRESS: return identity->address == match->address;
    case PCI_MATCH_ID:
        return identity->vendor == match->vendor && is_listed(match, identity->device);
    case PCI_MATCH_CLASS: return (identity->class_code & match->class_mask) == match->class_code;
    case PCI_MATCH_VIRTIO: return is_virtio(identity, match->virtio);
    }
    return false;
}
