// SPDX-License-Identifier: MIT
// Archives are read as they were made; each field that is wrong is found, with sums that are right;
// mutated tables are refused or keep every range inside the archive.
#include <string.h>
#include <tessera/format/archive.h>
#include "tests/host/check.h"

#define SIZE (4 * 4096u)

struct builder {
    _Alignas(4096) unsigned char bytes[SIZE];
    uint32_t count, strings_size;
};

static struct ts_archive_header *header_of(struct builder *b)
{
    return (void *)b->bytes;
}

static struct ts_archive_entry *entry_at(struct builder *b, uint32_t index)
{
    return (struct ts_archive_entry *)(b->bytes + sizeof(struct ts_archive_header)) + index;
}

static const struct {
    const char *path;
    uint32_t type, parent;
    uint64_t offset, size;
} items[] = {
    {"", TS_ARCHIVE_DIRECTORY, 0, 0, 0},       {"a", TS_ARCHIVE_DIRECTORY, 0, 0, 0},
    {"a-b", TS_ARCHIVE_FILE, 0, 4096, 5},      {"a/b", TS_ARCHIVE_DIRECTORY, 1, 0, 0},
    {"a/b/c", TS_ARCHIVE_FILE, 3, 8192, 8192}, {"a/d", TS_ARCHIVE_FILE, 1, 0, 0},
    {"z", TS_ARCHIVE_FILE, 0, 4096, 4096},
};
#define ITEMS (sizeof(items) / sizeof(items[0]))

static void seal(struct builder *b)
{
    struct ts_archive_header *h = header_of(b);
    size_t tables = h->entry_count * sizeof(struct ts_archive_entry) + (size_t)h->strings_size;
    if (h->entries <= SIZE && tables <= SIZE - h->entries) {
        h->table_crc = ts_crc32c(0, b->bytes + h->entries, tables);
    }
    h->header_crc = 0;
    h->header_crc = ts_crc32c(0, h, sizeof(*h));
}

static void build(struct builder *b)
{
    memset(b, 0, sizeof(*b));
    struct ts_archive_header *h = header_of(b);
    *h = (struct ts_archive_header){.magic = TS_ARCHIVE_MAGIC,
                                    .version = TS_ARCHIVE_VERSION,
                                    .header_size = sizeof(*h),
                                    .size = SIZE,
                                    .entries = sizeof(*h),
                                    .entry_count = ITEMS,
                                    .entry_size = sizeof(struct ts_archive_entry)};
    h->strings = h->entries + ITEMS * sizeof(struct ts_archive_entry);
    for (uint32_t i = 0; i < ITEMS; i++) {
        size_t length = strlen(items[i].path);
        memcpy(b->bytes + h->strings + h->strings_size, items[i].path, length);
        *entry_at(b, i) = (struct ts_archive_entry){.path = (uint32_t)h->strings_size,
                                                    .path_length = (uint32_t)length,
                                                    .offset = items[i].offset,
                                                    .size = items[i].size,
                                                    .type = items[i].type,
                                                    .parent = items[i].parent};
        h->strings_size += length;
    }
    seal(b);
}

static struct builder b;

static uint32_t find(const struct ts_archive *a, const char *path)
{
    uint32_t index = UINT32_MAX;
    ts_status_t status = ts_archive_find(a, path, strlen(path), &index);
    return status == TS_OK ? index : UINT32_MAX;
}

static void test_good(void)
{
    struct ts_archive a;
    uint32_t index;
    build(&b);
    CHECK_EQUAL(ts_archive_open(&a, b.bytes, SIZE), TS_OK);
    for (uint32_t i = 0; i < ITEMS; i++) {
        CHECK_EQUAL(find(&a, items[i].path), i);
    }
    CHECK_EQUAL(ts_archive_find(&a, "a/x", 3, &index), TS_ERR_NOT_FOUND);
    CHECK_EQUAL(ts_archive_find(&a, "z/x", 3, &index), TS_ERR_NOT_DIRECTORY);
    CHECK_EQUAL(ts_archive_find(&a, "zz", 2, &index), TS_ERR_NOT_FOUND);
    CHECK_EQUAL(ts_crc32c(0, "123456789", 9), 0xe3069283u); // RFC 3720's check value
}

static void test_children(void)
{
    static const uint32_t root[] = {1, 2, 6}, below_a[] = {3, 5};
    struct ts_archive a;
    build(&b);
    CHECK_EQUAL(ts_archive_open(&a, b.bytes, SIZE), TS_OK);
    uint32_t index, from = 0;
    for (size_t i = 0; i < 3; i++, from = index + 1) {
        CHECK_EQUAL(ts_archive_next(&a, 0, from, &index), TS_OK);
        CHECK_EQUAL(index, root[i]);
    }
    CHECK_EQUAL(ts_archive_next(&a, 0, from, &index), TS_ERR_NOT_FOUND);
    from = 0;
    for (size_t i = 0; i < 2; i++, from = index + 1) {
        CHECK_EQUAL(ts_archive_next(&a, 1, from, &index), TS_OK);
        CHECK_EQUAL(index, below_a[i]);
    }
    CHECK_EQUAL(ts_archive_next(&a, 1, from, &index), TS_ERR_NOT_FOUND);
    size_t length;
    CHECK(memcmp(ts_archive_name(&a, 4, &length), "c", 1) == 0 && length == 1);
}

#define REFUSED(change)                                     \
    do {                                                    \
        struct ts_archive a;                                \
        build(&b);                                          \
        struct ts_archive_header *h = header_of(&b);        \
        struct ts_archive_entry *e = entry_at(&b, 0);       \
        (void)h, (void)e;                                   \
        change;                                             \
        seal(&b);                                           \
        CHECK(ts_archive_open(&a, b.bytes, SIZE) != TS_OK); \
    } while (0)

static void test_refused(void)
{
    REFUSED(h->magic++);
    REFUSED(h->version = 2);
    REFUSED(h->size = SIZE + 4096);
    REFUSED(h->size = SIZE - 1);
    REFUSED(h->entries = UINT64_MAX - 7);
    REFUSED(h->entries += 8);
    REFUSED(h->entry_count = 0);
    REFUSED(h->entry_count = UINT32_MAX);
    REFUSED(h->strings_size = UINT64_MAX);
    REFUSED(h->entry_size = 40);
    REFUSED(e[1].path = UINT32_MAX);
    REFUSED(e[1].path_length = 0);                                         // a second root
    REFUSED((e[2].path = e[1].path, e[2].path_length = e[1].path_length)); // one name twice
    REFUSED(e[4].path_length = UINT32_MAX);
    REFUSED(e[4].parent = 1); // not what the path says
    REFUSED(e[4].parent = 5); // a later entry
    REFUSED(e[5].parent = 2); // a file
    REFUSED(e[0].type = TS_ARCHIVE_FILE);
    REFUSED(e[1].type = 3);
    REFUSED(e[1].size = 1); // a directory with content
    REFUSED(e[2].offset = 4097);
    REFUSED(e[2].offset = 0); // in the tables
    REFUSED(e[2].size = UINT64_MAX);
    REFUSED(e[4].size = 8193);
    REFUSED(b.bytes[h->strings] = '.'); // "a" is "."
    REFUSED(b.bytes[h->strings] = '/');
    REFUSED(b.bytes[h->strings] = '\0');
    REFUSED(b.bytes[h->strings] = 'q'); // not in order
}

// The smallest archive: a page with a root that is empty.
static void test_least(void)
{
    struct ts_archive a;
    uint32_t index;
    build(&b);
    struct ts_archive_header *h = header_of(&b);
    h->entry_count = 1;
    h->strings = h->entries + sizeof(struct ts_archive_entry);
    h->strings_size = 0;
    h->size = TS_ARCHIVE_ALIGN;
    seal(&b);
    CHECK_EQUAL(ts_archive_open(&a, b.bytes, TS_ARCHIVE_ALIGN), TS_OK);
    CHECK(find(&a, "") == 0 && ts_archive_next(&a, 0, 0, &index) == TS_ERR_NOT_FOUND);
    CHECK_EQUAL(ts_archive_open(&a, b.bytes, TS_ARCHIVE_ALIGN - 1), TS_ERR_CORRUPT);
}

// The header alone says how large the tables are: paths are found by 32 bits.
static void test_largest_tables(void)
{
    uint64_t size = UINT64_C(1) << 33, offset, tables;
    build(&b);
    struct ts_archive_header *h = header_of(&b);
    h->size = size;
    h->strings_size = UINT32_MAX;
    seal(&b);
    CHECK_EQUAL(ts_archive_check_header(b.bytes, size, &offset, &tables), TS_OK);
    CHECK(offset == h->entries && tables == h->strings - h->entries + UINT32_MAX);
    h->strings_size++;
    seal(&b);
    CHECK_EQUAL(ts_archive_check_header(b.bytes, size, &offset, &tables), TS_ERR_CORRUPT);
}

static void test_sums(void)
{
    struct ts_archive a;
    build(&b);
    b.bytes[header_of(&b)->strings] ^= 1;
    CHECK_EQUAL(ts_archive_open(&a, b.bytes, SIZE), TS_ERR_CORRUPT);
    build(&b);
    header_of(&b)->created_ns++;
    CHECK_EQUAL(ts_archive_open(&a, b.bytes, SIZE), TS_ERR_CORRUPT);
    CHECK_EQUAL(ts_archive_open(&a, b.bytes, 40), TS_ERR_CORRUPT);
}

static void test_mutations(void)
{
    uint64_t state = 7;
    for (unsigned round = 0; round < 100000; round++) {
        struct ts_archive a;
        build(&b);
        size_t tables = header_of(&b)->strings + header_of(&b)->strings_size;
        for (unsigned i = 0; i < 1 + round % 3; i++) {
            b.bytes[check_random(&state) % tables] = (unsigned char)(check_random(&state) >> 30);
        }
        seal(&b);
        if (ts_archive_open(&a, b.bytes, SIZE) != TS_OK) {
            continue;
        }
        for (uint32_t i = 0; i < a.header->entry_count; i++) {
            const struct ts_archive_entry *e = &a.entries[i];
            uint32_t index;
            CHECK(e->size <= SIZE && e->offset <= SIZE - e->size);
            CHECK_EQUAL(ts_archive_find(&a, a.strings + e->path, e->path_length, &index), TS_OK);
            CHECK_EQUAL(index, i);
        }
    }
}

static uint32_t crc_by_bits(uint32_t crc, const unsigned char *bytes, size_t length)
{
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
        }
    }
    return ~crc;
}

// Any place and length, and going on from any other sum.
static void test_crc(void)
{
    unsigned char bytes[80];
    uint64_t state = 11;
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)(check_random(&state) >> 30);
    }
    for (unsigned start = 0; start < 9; start++) {
        for (unsigned length = 0; start + length <= sizeof(bytes); length++) {
            uint32_t before = length % 2 ? 0 : (uint32_t)check_random(&state);
            CHECK_EQUAL(ts_crc32c(before, bytes + start, length),
                        crc_by_bits(before, bytes + start, length));
        }
    }
}

int main(void)
{
    test_crc();
    test_good();
    test_children();
    test_refused();
    test_least();
    test_largest_tables();
    test_sums();
    test_mutations();
    return 0;
}
