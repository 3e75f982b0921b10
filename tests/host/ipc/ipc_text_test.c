// SPDX-License-Identifier: MIT
// Paths, the formatter, directory listings, names of statuses.
#include <string.h>
#include <tessera/abi/ring.h>
#include <tessera/lib/listing.h>
#include <tessera/lib/log.h>
#include <tessera/lib/path.h>
#include "tests/host/check.h"

static void test_normalise(void)
{
    static const struct {
        const char *base, *path, *result;
        bool directory;
    } cases[] = {
        {"/", "a", "a", false},
        {"/", "", "", true},
        {"/x/y", "a//b/./c", "x/y/a/b/c", false},
        {"/x/y", "..", "x", true},
        {"/x", "../../../a", "a", false},
        {"/x", "/", "", true},
        {"/x", "/a/", "a", true},
        {"/x", "/a/b/../c/.", "a/c", true},
        {"/x", "...", "x/...", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[64];
        bool directory;
        CHECK_EQUAL(ts_path_normalise(cases[i].base, cases[i].path, out, sizeof(out), &directory),
                    TS_OK);
        CHECK(strcmp(out, cases[i].result) == 0);
        CHECK_EQUAL(directory, cases[i].directory);
    }
    char small[4], name[TS_COMPONENT_MAX + 2];
    CHECK_EQUAL(ts_path_normalise("/", "abc", small, sizeof(small), NULL), TS_OK);
    CHECK_EQUAL(ts_path_normalise("/", "abcd", small, sizeof(small), NULL), TS_ERR_NAME_TOO_LONG);
    CHECK_EQUAL(ts_path_normalise("/", "", small, 0, NULL), TS_ERR_NAME_TOO_LONG);
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    char out[1024];
    CHECK_EQUAL(ts_path_normalise("/", name, out, sizeof(out), NULL), TS_ERR_NAME_TOO_LONG);
}

static void test_walk(void)
{
    struct ts_path_walk walk;
    ts_path_walk_init(&walk, "//a/./bc/", 9);
    CHECK_EQUAL(ts_path_step(&walk), TS_OK);
    CHECK(walk.length == 1 && walk.component[0] == 'a' && !walk.last);
    CHECK_EQUAL(ts_path_step(&walk), TS_OK);
    CHECK(walk.length == 2 && memcmp(walk.component, "bc", 2) == 0 && walk.last);
    CHECK_EQUAL(ts_path_step(&walk), TS_ERR_NOT_FOUND);
    ts_path_walk_init(&walk, "..", 2);
    CHECK_EQUAL(ts_path_step(&walk), TS_ERR_ARGUMENT);
    ts_path_walk_init(&walk, "a\0b", 3);
    CHECK_EQUAL(ts_path_step(&walk), TS_ERR_ARGUMENT);
    ts_path_walk_init(&walk, ".", 1);
    CHECK_EQUAL(ts_path_step(&walk), TS_ERR_NOT_FOUND);
    ts_path_walk_init(&walk, "..a", 3);
    CHECK_EQUAL(ts_path_step(&walk), TS_OK);
}

static void test_format(void)
{
    char out[64];
    size_t length = ts_format(out, sizeof(out), "%s|%5u|%-5d|%05d|%x|%016lx|%c|%.*s|%%", "text",
                              42u, -7, -7, 0xbeefu, 0x1234ul, 'c', 2, "xyz");
    CHECK(strcmp(out, "text|   42|-7   |-0007|beef|0000000000001234|c|xy|%") == 0);
    CHECK_EQUAL(length, strlen(out));
    CHECK_EQUAL(ts_format(out, 4, "abcdef"), 3);
    CHECK(strcmp(out, "abc") == 0);
    CHECK_EQUAL(ts_format(out, 0, "abcdef"), 0);
    for (size_t capacity = 1; capacity < 6; capacity++) { // not a byte beyond what there is
        char *exact = malloc(capacity);
        CHECK_EQUAL(ts_format(exact, capacity, "abcdef"), capacity - 1);
        CHECK(strlen(exact) == capacity - 1 && memcmp(exact, "abcdef", capacity - 1) == 0);
        free(exact);
    }
    ts_format(out, sizeof(out), "%lld %llu", (long long)INT64_MIN, (unsigned long long)UINT64_MAX);
    CHECK(strcmp(out, "-9223372036854775808 18446744073709551615") == 0);
}

static void test_listing(void)
{
    _Alignas(8) char buffer[96];
    struct ts_listing listing = {buffer, sizeof(buffer), 0};
    CHECK(ts_listing_add(&listing, 1, TS_FILE_REGULAR, 5, 7, "one", 3));
    CHECK(ts_listing_add(&listing, 2, TS_FILE_DIRECTORY, 0, 8, "directory", 9));
    CHECK(!ts_listing_add(&listing, 3, TS_FILE_REGULAR, 0, 9, "x", 1));
    size_t position = 0;
    ts_status_t status;
    const struct ts_file_entry *e = ts_listing_next(buffer, listing.used, &position, &status);
    CHECK(e && e->name_length == 3 && e->next == 1 && e->size == 5);
    e = ts_listing_next(buffer, listing.used, &position, &status);
    CHECK(e && e->type == TS_FILE_DIRECTORY && memcmp(e->name, "directory", 9) == 0);
    CHECK(ts_listing_next(buffer, listing.used, &position, &status) == NULL && status == TS_OK);
    ((struct ts_file_entry *)buffer)->record_length = 200; // a hostile server
    position = 0;
    CHECK(ts_listing_next(buffer, listing.used, &position, &status) == NULL);
    CHECK_EQUAL(status, TS_ERR_PROTOCOL);
    ((struct ts_file_entry *)buffer)->record_length = 0;
    CHECK(ts_listing_next(buffer, listing.used, &position, &status) == NULL && status != TS_OK);
    position = 0;
    CHECK(ts_listing_next(buffer, 20, &position, &status) == NULL && status != TS_OK);
    listing = (struct ts_listing){buffer, sizeof(buffer), 0};
    CHECK(ts_listing_add(&listing, 1, TS_FILE_REGULAR, 5, 7, "one", 3));
    ((struct ts_file_entry *)buffer)->name_length = 0; // nobody's name
    position = 0;
    CHECK(ts_listing_next(buffer, listing.used, &position, &status) == NULL);
    CHECK_EQUAL(status, TS_ERR_PROTOCOL);
}

// The shortest entry that there is, alone in memory of its size; and what is shorter.
static void test_least_listing(void)
{
    size_t size = TS_FILE_ENTRY_LENGTH(1);
    char *exact = malloc(size);
    struct ts_listing listing = {exact, size, 0};
    CHECK(ts_listing_add(&listing, 1, TS_FILE_REGULAR, 5, 7, "x", 1) && listing.used == size);
    size_t position = 0;
    ts_status_t status;
    const struct ts_file_entry *e = ts_listing_next(exact, size, &position, &status);
    CHECK(e && e->name_length == 1 && e->name[0] == 'x' && position == size);
    free(exact);
    for (size_t bytes = 1; bytes < size; bytes++) {
        char *cut = calloc(1, bytes);
        position = 0;
        CHECK(ts_listing_next(cut, bytes, &position, &status) == NULL && status == TS_ERR_PROTOCOL);
        free(cut);
    }
}

static void test_status(void)
{
    CHECK(strcmp(ts_status_name(TS_ERR_NOT_FOUND), "ERR_NOT_FOUND") == 0);
    CHECK(strcmp(ts_status_name(12345), "ERR_UNKNOWN") == 0);
    CHECK(strlen(ts_status_text(TS_OK)) > 0);
}

int main(void)
{
    test_normalise();
    test_walk();
    test_format();
    test_listing();
    test_least_listing();
    test_status();
    return 0;
}
