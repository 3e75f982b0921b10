// SPDX-License-Identifier: MIT
// Clients of memfs, pipes and wwwfs, for tests/system/test_shares.py. Each pipeline of the shell is
// a client of its own.
//
//   shares take KIND       takes until it is refused, says how much and why, and keeps it all
//   shares again KIND      the same, and then goes on asking for ever
//   shares honest ROUNDS   uses files and pipes, and says how long that took
//   shares clean           removes what hostile ones have left in /tmp
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/listing.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/proto/file.h>
#include <tessera/proto/init.h>
#include <tessera/proto/pipe.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>

#define PATIENCE ts_deadline_in(60 * TS_SECOND)
#define SPARSE   (UINT64_C(12) << 20)
#define WAITING  1024u // requests at once, in pipes of 64 each

static const ts_rights_t rights = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_OPEN | TS_RIGHT_MAP |
                                  TS_RIGHT_WAIT | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER;
static ts_handle_t tmp, file, session, below;
static char bytes[65536];
static unsigned number;

static ts_status_t file_make(const char *name, unsigned kind, ts_handle_t *out_file)
{
    return ts_create(tmp, name, kind, 0, rights, out_file);
}

// ---- Hostile ones: each makes one more

static ts_status_t take_pages(void)
{
    size_t moved;
    if (!file) {
        ts_status_t status = file_make("hpages", TS_FILE_REGULAR, &file);
        if (status) {
            return status;
        }
    }
    return ts_write(file, bytes, sizeof(bytes), (uint64_t)number * sizeof(bytes), PATIENCE, &moved);
}

static ts_status_t take_sparse(void) // two maps at once, and each page of them is looked at
{
    static void *kept[2];
    static unsigned maps;
    ts_handle_t memory;
    void **at = &kept[maps++ % 2];
    if (*at) {
        (void)ts_memory_unmap(*at, SPARSE);
    }
    ts_status_t status = file ? TS_OK : file_make("hsparse", TS_FILE_REGULAR, &file);
    status = status ? status : ts_set_u64(file, TS_PROPERTY_SIZE, SPARSE);
    status =
        status ? status : ts_map_object(file, 0, SPARSE, TS_RIGHT_READ | TS_RIGHT_MAP, &memory);
    if (status) {
        return status;
    }
    status = ts_memory_map(memory, NULL, SPARSE, 0, TS_MAP_READ, at);
    ts_close(memory);
    for (uint64_t i = 0; status == TS_OK && i < SPARSE; i += 4096) {
        status = ((volatile char *)*at)[i] == 0 ? TS_OK : TS_ERR_CORRUPT;
    }
    return status == TS_OK && number == 1 ? TS_ERR_AGAIN : status;
}

static ts_status_t take_files(void)
{
    char name[24];
    size_t moved;
    ts_handle_t made;
    snprintf(name, sizeof(name), "hf%u", number);
    ts_status_t status = file_make(name, TS_FILE_REGULAR, &made);
    if (status) {
        return status;
    }
    status = ts_write(made, "x", 1, 0, PATIENCE, &moved);
    ts_close(made);
    return status;
}

static ts_status_t take_names(void) // as long as they may be
{
    static char name[256];
    ts_handle_t made;
    memset(name, 'n', 255);
    name[snprintf(name, sizeof(name), "hn%u", number)] = '-';
    ts_status_t status = file_make(name, TS_FILE_DIRECTORY, &made);
    ts_close(status ? TS_HANDLE_NONE : made);
    return status;
}

static ts_status_t take_depth(void)
{
    ts_handle_t next;
    ts_status_t status = ts_create(below ? below : tmp, "hd", TS_FILE_DIRECTORY, 0, rights, &next);
    if (status == TS_OK) {
        ts_close(below);
        below = next;
    }
    return status;
}

static ts_status_t take_opened(void)
{
    ts_handle_t handle;
    return ts_open(tmp, "", 0, rights, &handle);
}

// With all that it may have opened: what is refused leaves nothing, and takes nothing away.
static ts_status_t take_refused(void)
{
    ts_handle_t handle;
    uint64_t size = 0;
    size_t moved;
    ts_status_t status = file_make("hkept", TS_FILE_REGULAR, &file);
    status = status ? status : ts_write(file, "kept", 4, 0, PATIENCE, &moved);
    while (status == TS_OK) {
        status = take_opened();
    }
    if (ts_open(tmp, "hnew", TS_OPEN_CREATE, rights, &handle) != status ||
        ts_open(tmp, "hkept", TS_OPEN_TRUNCATE, rights, &handle) != status ||
        file_make("hnew", TS_FILE_REGULAR, &handle) != status) {
        return TS_ERR_PROTOCOL;
    }
    if (ts_get_u64(file, TS_PROPERTY_SIZE, &size) != TS_OK || size != 4) {
        return TS_ERR_CORRUPT;
    }
    return ts_remove(tmp, "hnew", 0) == TS_ERR_NOT_FOUND ? status : TS_ERR_EXISTS;
}

// From the start again and again, an entry at a time: nothing is kept for that.
static ts_status_t take_lists(void)
{
    static _Alignas(8) char list[320];
    size_t length;
    ts_status_t status = number ? TS_OK : file_make("hlisted", TS_FILE_REGULAR, &file);
    status = status ? status : ts_list(tmp, list, sizeof(list), 0, &length);
    return status == TS_OK && number == 6000 ? TS_ERR_AGAIN : status;
}

static ts_status_t take_session(void) // and nothing of it
{
    ts_handle_t handle;
    ts_status_t status = ts_open(ts_named_handle(TS_NAME_PIPE), "", 0, TS_RIGHTS_SAME, &handle);
    return status == TS_OK && number == 6000 ? TS_ERR_AGAIN : status;
}

// Of the web tree's server, where there is no disk: more than it ever kept places for.
static ts_status_t take_signposts(void)
{
    ts_handle_t handle;
    ts_status_t status =
        ts_open(ts_named_handle(TS_NAME_CONTROL), "wwwfs", 0, TS_RIGHTS_SAME, &handle);
    return status == TS_OK && number == 200 ? TS_ERR_AGAIN : status;
}

static ts_status_t pipe_make(ts_handle_t *out_reader, ts_handle_t *out_writer)
{
    struct ts_call call = {.out_handles = 2};
    ts_status_t status = ts_call(session, TS_PIPE_MAKE, &call, PATIENCE, NULL);
    *out_reader = call.out_handle[0];
    *out_writer = call.out_handle[1];
    return status;
}

static ts_status_t take_pipes(void) // and fills them
{
    ts_handle_t reader, writer;
    size_t moved;
    ts_status_t status = pipe_make(&reader, &writer);
    return status ? status : ts_write_current(writer, bytes, sizeof(bytes), 0, PATIENCE, &moved);
}

// So many requests that wait, in pipes that are empty or full; then one byte through one of them.
static ts_status_t take_waiting(bool reads)
{
    static struct ts_ring_queue ring;
    struct ts_event event;
    ts_handle_t reader = 0, writer = 0;
    size_t moved;
    ts_status_t status = ts_ring_create(&ring, WAITING, WAITING, WAITING);
    for (unsigned i = 0; status == TS_OK && i < WAITING; i++) {
        if (i % 64 == 0) {
            status = pipe_make(&reader, &writer);
            if (status == TS_OK && !reads) {
                status = ts_write_current(writer, bytes, sizeof(bytes), 0, PATIENCE, &moved);
            }
        }
        struct ts_submission *slot = ts_ring_slot(&ring);
        if (reads) {
            ts_prepare_read_current(slot, reader, bytes, 1, TS_DEADLINE_NONE, i);
        } else {
            ts_prepare_write_current(slot, writer, bytes, 4096, TS_DEADLINE_NONE, i);
        }
    }
    status = status ? status : ts_ring_enter(&ring, 1, ts_deadline_in(10 * TS_SECOND));
    if (status || !ts_ring_next(&ring, &event)) {
        return status ? status : TS_ERR_AGAIN;
    }
    ts_handle_t own_reader, own_writer; // what waits keeps nothing of its own from going on
    status = pipe_make(&own_reader, &own_writer);
    status = status ? status : ts_write_current(own_writer, "x", 1, 0, PATIENCE, &moved);
    status = status ? status : ts_read_current(own_reader, bytes, 1, 0, PATIENCE, &moved);
    return status ? status : event.status;
}

static ts_status_t take_reads(void)
{
    return take_waiting(true);
}

static ts_status_t take_writes(void)
{
    return take_waiting(false);
}

static const struct kind {
    const char *name;
    ts_status_t (*take)(void);
} kinds[] = {{"pages", take_pages},        {"sparse", take_sparse}, {"files", take_files},
             {"names", take_names},        {"depth", take_depth},   {"opened", take_opened},
             {"lists", take_lists},        {"pipes", take_pipes},   {"session", take_session},
             {"refused", take_refused},    {"reads", take_reads},   {"writes", take_writes},
             {"signposts", take_signposts}};

static int take(const struct kind *kind, bool again)
{
    ts_status_t status;
    while ((status = kind->take()) == TS_OK) {
        number++;
    }
    printf("hostile %s: %u, then %s\n", kind->name, number, ts_status_name(status));
    fflush(stdout);
    while (again) {
        (void)kind->take();
    }
    ts_sleep_until(ts_deadline_in(3600 * TS_SECOND));
    return 0;
}

// ---- An honest one

static ts_status_t round_of_files(unsigned i)
{
    static char back[sizeof(bytes)];
    char name[40];
    size_t moved = 0;
    ts_handle_t made, directory;
    snprintf(name, sizeof(name), "honest%lx", (unsigned long)(uintptr_t)&moved);
    memset(bytes, (int)(i % 255 + 1), sizeof(bytes));
    ts_status_t status = ts_open(ts_named_handle(TS_NAME_FILE), "tmp", 0, rights, &directory);
    if (status) {
        return status;
    }
    status = ts_create(directory, name, TS_FILE_REGULAR, 0, rights, &made);
    if (status == TS_OK) {
        status = ts_write(made, bytes, sizeof(bytes), 0, PATIENCE, &moved);
        status = status ? status : ts_read_all(made, back, sizeof(back), 0);
        status = !status && memcmp(bytes, back, sizeof(back)) ? TS_ERR_CORRUPT : status;
        ts_close(made);
        ts_status_t removed = ts_remove(directory, name, 0);
        status = status ? status : removed;
    }
    ts_close(directory);
    return status;
}

static ts_status_t round_of_pipes(void)
{
    ts_handle_t reader, writer;
    size_t moved;
    ts_status_t status = pipe_make(&reader, &writer);
    if (status) {
        return status;
    }
    status = ts_write_current(writer, bytes, 4096, 0, PATIENCE, &moved);
    status = status ? status : ts_read_current(reader, bytes, 4096, 0, PATIENCE, &moved);
    ts_close(reader);
    ts_close(writer);
    return status;
}

static int honest(unsigned rounds)
{
    ts_time_t begin = ts_clock_now();
    ts_status_t status = TS_OK;
    for (unsigned i = 0; status == TS_OK && i < rounds; i++) {
        status = round_of_files(i);
        status = status ? status : round_of_pipes();
    }
    printf("honest: %s in %ld ms\n", ts_status_name(status),
           (long)((ts_clock_now() - begin) / 1000000));
    return status != TS_OK;
}

// Of the directories one in the other each is taken out of the one above, which is then empty.
static void clean(void)
{
    static _Alignas(8) char list[8192];
    while (ts_rename(tmp, "hd/hd", tmp, "hx", 0) == TS_OK) {
        (void)ts_remove(tmp, "hd", TS_FILE_DIRECTORY);
        (void)ts_rename(tmp, "hx", tmp, "hd", 0);
    }
    size_t length = 1;
    for (uint64_t cookie = 0; length > 0;) {
        size_t position = 0;
        const struct ts_file_entry *entry;
        ts_status_t status = ts_list(tmp, list, sizeof(list), cookie, &length);
        while (!status && (entry = ts_listing_next(list, length, &position, &status))) {
            char name[256] = {0};
            memcpy(name, entry->name, entry->name_length);
            cookie = entry->next;
            ts_status_t removed =
                ts_remove(tmp, name, entry->type == TS_FILE_DIRECTORY ? TS_FILE_DIRECTORY : 0);
            if (removed) {
                printf("%s stays: %s\n", name, ts_status_name(removed));
            }
        }
        length = status ? 0 : length;
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "", *name = argc > 2 ? argv[2] : "";
    ts_status_t status = ts_open(ts_named_handle(TS_NAME_FILE), "tmp", 0, rights, &tmp);
    status =
        status ? status : ts_open(ts_named_handle(TS_NAME_PIPE), "", 0, TS_RIGHTS_SAME, &session);
    if (status) {
        printf("%s: begins with %s\n", what, ts_status_name(status));
        return 1;
    }
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return take(&kinds[i], strcmp(what, "again") == 0);
        }
    }
    if (strcmp(what, "honest") == 0) {
        return honest((unsigned)atoi(name));
    }
    clean();
    return 0;
}
