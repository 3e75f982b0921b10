// SPDX-License-Identifier: MIT
// A table as firmware writes it is read as it is; each way of being damaged is refused, whole; of
// mutated tables those that are taken keep what the kernel relies on.
#include <string.h>
#include "ivrs.h"
#include "ivrs_table.h"
#include "tests/host/check.h"

#define MUTATIONS 300000

static struct table empty(void)
{
    return (struct table){.length = 48};
}

// A unit that is described twice, and one of another segment; regions for one, some and all.
static struct table good(void)
{
    struct table t = empty();
    uint32_t start = put_unit(&t, 0x10, 2, 0xfd300000);
    put_entry(&t, 1, 0, 0);
    finish(&t, start);
    start = put_unit(&t, 0x11, 2, 0xfd300000);
    put_entry(&t, 3, 8, 0);
    put_entry(&t, 4, 0xfffe, 0);
    put_alias(&t, 0x43, 0x300, 0xa4);
    put_entry(&t, 4, 0x3ff, 0);
    put_alias(&t, 0x42, 0x500, 0x501);
    put_special(&t, IVRS_IO_APIC, 33, 0xa0);
    put_special(&t, IVRS_HPET, 0, 0xa0);
    finish(&t, start);
    put_region(&t, 0x21, 0x98, 0, 0x7d000000, 0x20000);
    put_region(&t, 0x22, 0x98, 0x9f, 0x7e000000, 0x1000);
    put_region(&t, 0x20, 0, 0, 0x7f000000, 0x1000);
    start = put_unit(&t, 0x40, 2, 0xfd400000);
    t.bytes[start + 16] = 1;
    put_entry(&t, 0xf0, 0x11, 0x81);
    put(&t, 0, 17);
    put(&t, 3, 1);
    put(&t, 0, 3);
    put_entry(&t, 2, 0x21, 0);
    finish(&t, start);
    return t;
}

// ASan sees a read behind the table's end.
static bool parse(const struct table *t, struct ivrs *out)
{
    uint8_t *copy = malloc(t->length ? t->length : 1);
    memcpy(copy, t->bytes, t->length);
    bool taken = ivrs_parse(copy, t->length, out);
    free(copy);
    return taken;
}

static bool taken(const struct table *t)
{
    struct ivrs out;
    return parse(t, &out);
}

static void reads_what_is_there(void)
{
    struct table t = good();
    struct ivrs out;
    CHECK(parse(&t, &out));
    CHECK_EQUAL(out.unit_count, 2);
    CHECK_EQUAL(out.units[0].type, 0x11);
    CHECK_EQUAL(out.units[0].registers, 0xfd300000);
    CHECK(!out.units[0].all);
    CHECK_EQUAL(out.units[0].range_count, 5);
    CHECK_EQUAL(out.ranges[0].first, 8);
    CHECK_EQUAL(out.ranges[0].last, 0xfffe);
    CHECK(out.ranges[1].aliased);
    CHECK_EQUAL(out.ranges[1].last, 0x3ff);
    CHECK_EQUAL(out.ranges[1].alias, 0xa4);
    CHECK_EQUAL(out.ranges[2].alias, 0x501);
    CHECK_EQUAL(out.special_count, 2);
    CHECK_EQUAL(out.specials[0].id, 33);
    CHECK_EQUAL(out.specials[0].source, 0xa0);
    CHECK_EQUAL(out.units[1].segment, 1);
    CHECK_EQUAL(out.units[1].range_first, 5);
    CHECK_EQUAL(out.ranges[5].setting, 0x81);
    CHECK_EQUAL(out.ranges[6].first, 0x21);
    CHECK_EQUAL(out.region_count, 3);
    CHECK_EQUAL(out.regions[0].last, 0x98);
    CHECK_EQUAL(out.regions[0].end, 0x7d020000);
    CHECK_EQUAL(out.regions[1].last, 0x9f);
    CHECK_EQUAL(out.regions[2].last, 0xffff);
}

static void refuses_what_is_damaged(void)
{
    struct table t = good(), none = empty();
    CHECK(!taken(&none));
    uint32_t borders = 0;
    for (uint32_t length = 0; length < t.length; length++) {
        struct table cut = t;
        cut.length = length;
        borders += taken(&cut);
    }
    CHECK_EQUAL(borders, 5); // between structures, once there is a unit

    static const uint64_t registers[] = {0, 0xfd301000, UINT64_C(1) << 46, UINT64_MAX};
    for (unsigned i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        struct table bad = empty();
        finish(&bad, put_unit(&bad, 0x10, 2, registers[i]));
        CHECK(!taken(&bad));
    }
    struct table twice = good();
    finish(&twice, put_unit(&twice, 0x11, 2, 0xfd500000));
    CHECK(!taken(&twice));

    static const uint64_t regions[][2] = {{0x1000, 0},
                                          {0x1800, 0x1000},
                                          {0x1000, 0x800},
                                          {0x1000, UINT64_C(1) << 31},
                                          {UINT64_C(1) << 46, 0x1000}};
    for (unsigned i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
        struct table bad = good();
        put_region(&bad, 0x21, 8, 0, regions[i][0], regions[i][1]);
        CHECK(!taken(&bad));
    }
    struct table backwards = good();
    put_region(&backwards, 0x22, 8, 7, 0x1000, 0x1000);
    CHECK(!taken(&backwards));
}

// Ranges that do not end, end twice, end before they begin, or have something between.
static void refuses_odd_ranges(void)
{
    static const uint16_t entries[][6] = {
        {3, 8}, {4, 8}, {3, 8, 4, 7}, {3, 8, 2, 9, 4, 10}, {3, 8, 3, 9, 4, 10}, {3, 8, 4, 9, 4, 9}};
    for (unsigned i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        struct table bad = empty();
        uint32_t start = put_unit(&bad, 0x10, 2, 0xfd300000);
        for (unsigned e = 0; e < 6 && entries[i][e]; e += 2) {
            put_entry(&bad, (uint8_t)entries[i][e], entries[i][e + 1], 0);
        }
        finish(&bad, start);
        CHECK(!taken(&bad));
    }
}

static void refuses_what_does_not_fit(void)
{
    struct table many = empty();
    for (uint16_t i = 0; i <= IVRS_UNITS_MAX; i++) {
        finish(&many, put_unit(&many, 0x10, i, 0xfd000000 + i * 0x4000u));
    }
    CHECK(!taken(&many));
    many.length -= 24;
    CHECK(taken(&many));
}

static void keeps_to_its_limits(void)
{
    for (unsigned round = 0; round < MUTATIONS; round++) {
        struct table t = good();
        struct ivrs out;
        for (unsigned i = 0; i <= round % 4; i++) {
            t.bytes[random_below(t.length)] = (uint8_t)random_next();
        }
        t.length -= round % 8 == 7 ? (uint32_t)random_below(t.length) : 0;
        if (!parse(&t, &out)) {
            continue;
        }
        CHECK(out.unit_count > 0 && out.unit_count <= IVRS_UNITS_MAX);
        CHECK(out.range_count <= IVRS_RANGES_MAX && out.special_count <= IVRS_SPECIALS_MAX);
        CHECK(out.region_count <= IVRS_REGIONS_MAX);
        for (uint32_t i = 0; i < out.unit_count; i++) {
            const struct ivrs_unit *u = &out.units[i];
            CHECK(u->registers != 0 && (u->registers & 0x3fff) == 0);
            CHECK(u->capability >= 0x40 && u->capability <= 0xec);
            CHECK(u->range_first + u->range_count <= out.range_count);
        }
        for (uint32_t i = 0; i < out.range_count; i++) {
            CHECK(out.ranges[i].first <= out.ranges[i].last);
        }
        for (uint32_t i = 0; i < out.region_count; i++) {
            const struct ivrs_region *r = &out.regions[i];
            CHECK(r->base < r->end && ((r->base | r->end) & PAGE_MASK) == 0);
            CHECK(r->end - r->base <= IVRS_REGION_END && r->first <= r->last);
        }
    }
}

int main(void)
{
    reads_what_is_there();
    refuses_what_is_damaged();
    refuses_odd_ranges();
    refuses_what_does_not_fit();
    keeps_to_its_limits();
    return 0;
}
