// SPDX-License-Identifier: MIT
// The access log: files that are put away, a reader that goes on over that, and a change of sizes.
#include <tessera/abi/status.h>
#include <tessera/lib/memory.h>

#include "access_log.h"
#include "check_text.h"
#include "httpd.h"

struct httpd httpd;
static size_t mapped;
static bool refuse;
static unsigned lines; // ever

int64_t httpd_now(void)
{
    return 784111777;
}

ts_status_t ts_memory_allocate(size_t size, unsigned flags, ts_handle_t *out_memory,
                               void **out_address)
{
    (void)flags;
    (void)out_memory;
    if (refuse) {
        return TS_ERR_MEMORY;
    }
    mapped += TS_PAGE_ROUND(size);
    *out_address = malloc(size);
    return TS_OK;
}

ts_status_t ts_memory_unmap(void *address, size_t length)
{
    mapped -= length;
    free(address);
    return TS_OK;
}

static void add(unsigned count)
{
    static const struct peer_name peer;
    char line[600];
    for (unsigned i = 0; i < count; i++) {
        int length = snprintf(line, sizeof(line), "GET /%u", lines++);
        memset(line + length, 'x', 500);
        access_log(&peer, (struct text){line, 500}, 200, 1);
    }
}

// Reads from *position on; the numbers of the first line and behind the last, which follow each
// other.
static unsigned read_lines(uint64_t *position, uint64_t end, unsigned *out_first)
{
    unsigned next = 0, count = 0;
    for (;;) {
        struct text text = access_log_at(position, end);
        if (text.length == 0) {
            return count == 0 ? 0 : next;
        }
        *position += text.length;
        for (size_t at = 0; at < text.length;) {
            const char *newline = memchr(text.data + at, '\n', text.length - at), *line;
            unsigned number;
            CHECK(newline != NULL); // files and pieces are of whole lines
            line = memchr(text.data + at, '/', text.length - at);
            while (line[-1] != ' ' || line[-2] != 'T') {
                line = strchr(line + 1, '/');
            }
            CHECK(sscanf(line, "/%u", &number) == 1);
            CHECK(count == 0 || number == next);
            if (count++ == 0) {
                *out_first = number;
            }
            next = number + 1;
            at = (size_t)(newline + 1 - text.data);
        }
    }
}

static unsigned read_file(unsigned number, unsigned *out_first)
{
    uint64_t start, end;
    CHECK(access_log_file(number, &start, &end));
    return read_lines(&start, end, out_first);
}

// Without a configuration it is one file, of 64 KiB at least once there were so many.
static void test_plain(void)
{
    uint64_t start, end;
    unsigned first = 0;
    CHECK_EQUAL(access_log_configure(0, 0), TS_OK);
    CHECK_EQUAL(read_file(0, &first), 0);
    add(1000);
    CHECK_EQUAL(read_file(0, &first), 1000);
    CHECK(first > 1000 - 2 * 65536 / 500 && first < 1000 - 65536 / 570);
    CHECK(!access_log_file(1, &start, &end));
}

static void test_files(void)
{
    unsigned first = 0, before, end;
    uint64_t reader, ignored;
    CHECK_EQUAL(access_log_configure(8192, 3), TS_OK);
    CHECK_EQUAL(mapped, 4 * 8192);
    CHECK_EQUAL(read_file(0, &first), 1000); // what was there stays, as far as it fits
    CHECK(first > 900 && access_log_file(3, &reader, &ignored));
    CHECK(!access_log_file(4, &reader, &ignored));
    before = first;
    for (unsigned number = 1; number < 4; number++) {
        end = read_file(number, &first);
        CHECK_EQUAL(end, before);
        CHECK(first < end);
        before = first;
    }
    // A reader in the middle misses nothing while files are put away behind it.
    CHECK(access_log_file(0, &reader, &ignored));
    (void)read_lines(&reader, ignored, &first);
    add(20);
    CHECK_EQUAL(read_lines(&reader, ignored, &first), 1020);
    CHECK_EQUAL(first, 1000);
    add(500); // and goes on with the oldest when it is too slow
    CHECK_EQUAL(read_lines(&reader, ignored, &first), 1520);
    CHECK(first > 1440);
}

static void test_changes(void)
{
    unsigned first = 0;
    uint64_t start, end;
    refuse = true;
    CHECK_EQUAL(access_log_configure(16384, 0), TS_ERR_MEMORY);
    CHECK_EQUAL(read_file(0, &first), 1520);
    CHECK_EQUAL(access_log_configure(8192, 3), TS_OK); // nothing changes: no memory is needed
    refuse = false;
    CHECK_EQUAL(access_log_configure(8192, 0), TS_OK);
    CHECK_EQUAL(mapped, 8192);
    CHECK_EQUAL(read_file(0, &first), 1520);
    CHECK(!access_log_file(1, &start, &end));
    add(100);
    CHECK_EQUAL(read_file(0, &first), 1620);
    CHECK_EQUAL(access_log_configure(65536, 9), TS_OK);
    CHECK_EQUAL(read_file(0, &first), 1620);
    CHECK(!access_log_file(1, &start, &end));
    add(1000);
    CHECK(access_log_file(0, &start, &end) && access_log_file(9, &start, &end) == false);
    CHECK_EQUAL(access_log_configure(0, 0), TS_OK);
    CHECK_EQUAL(read_file(0, &first), 2620);
}

int main(void)
{
    test_plain();
    test_files();
    test_changes();
    return 0;
}
