// SPDX-License-Identifier: MIT
// The text by which a function is opened.
#include "tests/host/check.h"

#include <drivers/pci/match.h>
#include <string.h>

static const struct pci_identity net = {.address = 3 << 3,
                                        .vendor = 0x1af4,
                                        .device = 0x1041,
                                        .subsystem = 0x1100,
                                        .class_code = 0x020000};
static const struct pci_identity old_block = {
    .address = 0x1ff, .vendor = 0x1af4, .device = 0x1001, .subsystem = 2, .class_code = 0x010000};

static struct pci_match good(const char *text)
{
    struct pci_match match;
    if (pci_match_parse(text, strlen(text), &match) != TS_OK) {
        fprintf(stderr, "'%s' was refused\n", text);
        exit(1);
    }
    return match;
}

static bool fits(const char *text, const struct pci_identity *identity)
{
    struct pci_match match = good(text);
    return pci_match_fits(&match, identity);
}

int main(void)
{
    CHECK(fits("00:03.0", &net));
    CHECK(!fits("00:03.1", &net));
    CHECK(fits("01:1f.7", &old_block));
    CHECK(fits("1af4:1041", &net));
    CHECK(!fits("1AF4:1042", &net));
    CHECK(fits("1af4:1040,1041", &net));
    CHECK(fits("1af4:1041,1000,1042/0", &net));
    CHECK(!fits("1af4:1040,1042,0000", &net));
    CHECK(!fits("8086:1040,1041", &net));
    CHECK_EQUAL(good("8086:100e,100f,10d3/2").index, 2);
    CHECK_EQUAL(good("8086:100e,100f,10d3/2").device_count, 3);
    CHECK(fits("class:0200", &net));
    CHECK(fits("class:020000", &net));
    CHECK(!fits("class:020001", &net));
    CHECK(fits("virtio-net", &net));
    CHECK(fits("virtio-1/0", &net));
    CHECK(!fits("virtio-block", &net));
    CHECK(fits("virtio-block", &old_block));
    CHECK(!fits("virtio-9p/0", &net));
    CHECK_EQUAL(good("virtio-9p/7").virtio, 9);
    CHECK_EQUAL(good("virtio-net/12").index, 12);
    CHECK(good("1af4:1041/3/info").information);
    CHECK_EQUAL(good("1af4:1041/3/info").index, 3);
    CHECK(good("00:03.0/info").information);
    CHECK(good("virtio-net/all").all && !good("virtio-net/0").all);
    CHECK(good("8086:100e/all").all && fits("class:0200/all", &net));
    static const char *const bad[] = {
        "",
        "/",
        "00:03",
        "00:20.0",
        "00:03.8",
        "0:03.0",
        "00:03.0/1",
        "virtio-net/0/all",
        "virtio-net/all/info",
        "virtio-net/all/",
        "1af4:",
        "1af4:10411",
        "1af41041",
        "1af4:1041,",
        "1af4:1041,104",
        "1af4:1041,10422",
        "1af4:,1041",
        "1af4:1041,1042,",
        "00:03.0,1041",
        "class:02",
        "class:0200000",
        "class:020",
        "virtio-",
        "virtio-disk",
        "virtio-0",
        "virtio-64",
        "virtio-net/",
        "virtio-netx",
        "virtio-net/1x",
        "virtio-net/99999",
        "00:03.0/info/info",
        "info",
        "virtio-net/info/0",
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct pci_match match;
        if (pci_match_parse(bad[i], strlen(bad[i]), &match) != TS_ERR_ARGUMENT) {
            fprintf(stderr, "'%s' was taken\n", bad[i]);
            return 1;
        }
    }
    // As many as there is room for, and one more.
    char list[9 + 5 * PCI_MATCH_DEVICES + 1] = "8086:0000";
    struct pci_match most;
    for (unsigned i = 1; i <= PCI_MATCH_DEVICES; i++) {
        snprintf(list + 4 + 5 * i, 6, ",%04x", i);
        CHECK_EQUAL(pci_match_parse(list, 9 + 5 * i, &most),
                    i < PCI_MATCH_DEVICES ? TS_OK : TS_ERR_ARGUMENT);
    }
    static const char alphabet[] = "0123456789afclsvirto-:./n,";
    for (unsigned round = 0; round < 200000; round++) {
        char text[16];
        struct pci_match match;
        unsigned length = random_below(sizeof(text));
        for (unsigned i = 0; i < length; i++) {
            text[i] = alphabet[random_below(sizeof(alphabet) - 1)];
        }
        (void)pci_match_parse(text, length, &match); // the sanitizers watch
    }
    return 0;
}
