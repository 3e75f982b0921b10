// SPDX-License-Identifier: MIT
// A table as firmware writes it is read as it is; each way of being damaged is refused, whole; of
// mutated tables those that are taken keep what the kernel relies on.
#include <string.h>
#include "dmar.h"
#include "tests/host/check.h"

#define MUTATIONS 300000

struct table {
    uint8_t bytes[512];
    uint32_t length;
};

static void put(struct table *t, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        t->bytes[t->length++] = (uint8_t)(value >> 8 * i);
    }
}

static void put_scope(struct table *t, uint8_t kind, uint8_t id, uint8_t bus, const char *path)
{
    put(t, kind, 1);
    put(t, 6 + strlen(path), 1);
    put(t, 0, 2);
    put(t, id, 1);
    put(t, bus, 1);
    for (; *path; path++) {
        put(t, (uint64_t)(*path - 'a'), 1);
    }
}

// Where the length of the structure that begins at `start` is set right.
static void finish(struct table *t, uint32_t start)
{
    t->bytes[start + 2] = (uint8_t)(t->length - start);
    t->bytes[start + 3] = (uint8_t)((t->length - start) >> 8);
}

static uint32_t put_unit(struct table *t, uint8_t flags, uint64_t registers)
{
    uint32_t start = t->length;
    put(t, 0, 4);
    put(t, flags, 1);
    put(t, 0, 3);
    put(t, registers, 8);
    return start;
}

static uint32_t put_reserved(struct table *t, uint64_t base, uint64_t last)
{
    uint32_t start = t->length;
    put(t, 1, 2);
    put(t, 0, 6);
    put(t, base, 8);
    put(t, last, 8);
    return start;
}

static struct table empty(void)
{
    struct table t = {.length = 48};
    t.bytes[37] = 1; // interrupts can be remapped
    return t;
}

// One unit for the graphics, one for the rest; a region for the USB controller behind a bridge.
static struct table good(void)
{
    struct table t = empty();
    uint32_t start = put_unit(&t, 0, 0xfed90000);
    put_scope(&t, DMAR_ENDPOINT, 0, 0, "ca"); // 00:02.0
    finish(&t, start);
    start = put_unit(&t, 1, 0xfed91000);
    put_scope(&t, DMAR_IO_APIC, 2, 0xf0, "ba");
    put_scope(&t, DMAR_HPET, 0, 0xf0, "bb");
    finish(&t, start);
    start = put_reserved(&t, 0x7d000000, 0x7d01ffff);
    put_scope(&t, DMAR_ENDPOINT, 0, 0, "babc"); // 00:01.0, then slot 1, function 2
    finish(&t, start);
    start = t.length; // an ATSR, which means nothing here
    put(&t, 2, 4);
    put(&t, 0, 4);
    finish(&t, start);
    return t;
}

// ASan sees a read behind the table's end.
static bool parse(const struct table *t, struct dmar *out)
{
    uint8_t *copy = malloc(t->length ? t->length : 1);
    memcpy(copy, t->bytes, t->length);
    bool taken = dmar_parse(copy, t->length, out);
    free(copy);
    return taken;
}

static bool taken(const struct table *t)
{
    struct dmar out;
    return parse(t, &out);
}

static void reads_what_is_there(void)
{
    struct table t = good();
    struct dmar out;
    CHECK(parse(&t, &out));
    CHECK(out.interrupts);
    CHECK_EQUAL(out.unit_count, 2);
    CHECK_EQUAL(out.units[0].registers, 0xfed90000);
    CHECK(!out.units[0].all && out.units[1].all);
    CHECK_EQUAL(out.units[0].scope_count, 1);
    CHECK_EQUAL(out.units[1].scope_first, 1);
    CHECK_EQUAL(out.units[1].scope_count, 2);
    CHECK_EQUAL(out.scopes[1].kind, DMAR_IO_APIC);
    CHECK_EQUAL(out.scopes[1].id, 2);
    CHECK_EQUAL(out.reserved_count, 1);
    CHECK_EQUAL(out.reserved[0].base, 0x7d000000);
    CHECK_EQUAL(out.reserved[0].end, 0x7d020000);
    CHECK_EQUAL(out.scopes[out.reserved[0].scope_first].length, 2);
}

static void refuses_what_is_damaged(void)
{
    struct table t = good();
    for (uint32_t length = 0; length < t.length; length++) {
        struct table cut = t;
        cut.length = length;
        // At the borders of structures it is whole again, once it has a unit.
        bool border = length == 72 || length == 104 || length == 138;
        CHECK_EQUAL(taken(&cut), border);
    }
    struct table none = empty();
    CHECK(!taken(&none));

    static const uint64_t registers[] = {0, 0xfed90800, UINT64_C(1) << 46, UINT64_MAX};
    for (unsigned i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        struct table bad = empty();
        finish(&bad, put_unit(&bad, 1, registers[i]));
        CHECK(!taken(&bad));
    }
    struct table twice = empty();
    finish(&twice, put_unit(&twice, 1, 0xfed90000));
    finish(&twice, put_unit(&twice, 0, 0xfed90000));
    CHECK(!taken(&twice));

    static const uint64_t regions[][2] = {{0x1000, 0xfff},
                                          {0x1800, 0x2fff},
                                          {0x1000, 0x27ff},
                                          {0x1000, UINT64_MAX},
                                          {0, 0x3ffffffff}};
    for (unsigned i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
        struct table bad = good();
        finish(&bad, put_reserved(&bad, regions[i][0], regions[i][1]));
        CHECK(!taken(&bad));
    }
}

static void refuses_what_does_not_fit(void)
{
    struct table many = empty();
    for (unsigned i = 0; i <= DMAR_UNITS_MAX; i++) {
        finish(&many, put_unit(&many, 0, 0xfed90000 + i * PAGE_SIZE));
    }
    CHECK(!taken(&many));
    static const char *const paths[] = {"", "a", "aba", "iiiiiiiiiiiiiiiiii", "ai", "~i"};
    for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct table bad = empty();
        uint32_t start = put_unit(&bad, 1, 0xfed90000);
        put_scope(&bad, DMAR_ENDPOINT, 0, 0, paths[i]);
        finish(&bad, start);
        CHECK(!taken(&bad));
    }
}

static void keeps_to_its_limits(void)
{
    for (unsigned round = 0; round < MUTATIONS; round++) {
        struct table t = good();
        struct dmar out;
        for (unsigned i = 0; i <= round % 4; i++) {
            t.bytes[random_below(t.length)] = (uint8_t)random_next();
        }
        t.length -= round % 8 == 7 ? (uint32_t)random_below(t.length) : 0;
        if (!parse(&t, &out)) {
            continue;
        }
        CHECK(out.unit_count > 0 && out.unit_count <= DMAR_UNITS_MAX);
        CHECK(out.reserved_count <= DMAR_RESERVED_MAX && out.scope_count <= DMAR_SCOPES_MAX);
        for (uint32_t i = 0; i < out.unit_count; i++) {
            const struct dmar_unit *u = &out.units[i];
            CHECK(u->registers != 0 && (u->registers & PAGE_MASK) == 0);
            CHECK(u->scope_first + u->scope_count <= out.scope_count);
        }
        for (uint32_t i = 0; i < out.reserved_count; i++) {
            const struct dmar_reserved *r = &out.reserved[i];
            CHECK(r->base < r->end && ((r->base | r->end) & PAGE_MASK) == 0);
            CHECK(r->end - r->base <= DMAR_RESERVED_END);
            CHECK(r->scope_first + r->scope_count <= out.scope_count);
        }
        for (uint32_t i = 0; i < out.scope_count; i++) {
            CHECK(out.scopes[i].length > 0 && out.scopes[i].length <= DMAR_PATH_MAX);
        }
    }
}

// 00:01.0 leads to bus 1, 01:00.0 to buses 2 to 5; 00:02.0 leads back to its own bus.
static uint8_t config(uint8_t bus, uint8_t devfn, uint8_t offset)
{
    uint8_t below = bus == 0 && devfn == 1 << 3 ? 1 : bus == 1 && devfn == 0 ? 2 : 0;
    bool bridge = below != 0 || (bus == 0 && devfn == 2 << 3);
    switch (offset) {
    case 0x0e: return bridge ? 0x81 : 0;
    case 0x19: return below;
    case 0x1a: return below == 2 ? 5 : below;
    default: return 0xff;
    }
}

static void follows_paths(void)
{
    struct dmar_scope scope = {.kind = DMAR_ENDPOINT, .length = 3};
    struct dmar_range range;
    scope.path[0].slot = 1;
    scope.path[2].slot = 3;
    scope.path[2].function = 4;
    CHECK(dmar_resolve(&scope, config, &range)); // over 00:01.0 and 01:00.0
    CHECK_EQUAL(range.bus, 2);
    CHECK_EQUAL(range.devfn, 3 << 3 | 4);
    CHECK(!range.bridge);
    scope.kind = DMAR_BRIDGE;
    scope.length = 2;
    CHECK(dmar_resolve(&scope, config, &range));
    CHECK_EQUAL(range.bus, 1);
    CHECK(range.bridge);
    CHECK_EQUAL(range.bus_from, 2);
    CHECK_EQUAL(range.bus_to, 5);
    scope.path[0].slot = 2; // a bridge that leads to its own bus
    CHECK(!dmar_resolve(&scope, config, &range));
    scope.path[0].slot = 9; // none
    CHECK(!dmar_resolve(&scope, config, &range));
}

int main(void)
{
    reads_what_is_there();
    refuses_what_is_damaged();
    refuses_what_does_not_fit();
    keeps_to_its_limits();
    follows_paths();
    return 0;
}
