// SPDX-License-Identifier: MIT
// Clients beside each other, for tests/system/test_shares.py. Each pipeline of the shell is a
// client of its own.
//
//   beside flood KIND          asks a server without end, with as many requests at a time as it
//   may,
//                              and makes /tmp/go when it has begun
//   beside die KIND STEP       asks as much and dies at once (0), or after the first answer (1)
//   beside work SERVER ROUNDS  uses a server as others do, from when /tmp/go is there; says when
//                              that began and ended
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/lib/process.h>
#include <tessera/proto/console.h>
#include <tessera/proto/file.h>
#include <tessera/proto/init.h>
#include <tessera/proto/net.h>
#include <tessera/proto/pipe.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>

#define PATIENCE ts_deadline_in(60 * TS_SECOND)
#define FLIGHT   256u // requests at a time
#define LARGE    (1u << 20)
#define LOG_FILE "httpd/access.log"
#define DEEP     1350u // directories, one in the other: as many as a path has room for

static const ts_rights_t rights = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_OPEN | TS_RIGHT_MAP |
                                  TS_RIGHT_WAIT | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER;
static const ts_rights_t socket_rights =
    TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_CALL | TS_RIGHT_WAIT;
static ts_handle_t tmp, object, other;
static char *bytes; // LARGE
static char path[TS_PATH_MAX];

static ts_status_t file_make(const char *name, unsigned kind, ts_handle_t *out_file)
{
    return ts_create(tmp, name, kind, 0, rights, out_file);
}

static ts_status_t session_of(const char *name, ts_handle_t *out_session)
{
    return ts_open(ts_named_handle(name), "", 0, TS_RIGHTS_SAME, out_session);
}

static ts_status_t pipe_make(ts_handle_t *out_reader, ts_handle_t *out_writer)
{
    static ts_handle_t session;
    struct ts_call call = {.out_handles = 2};
    ts_status_t status = session ? TS_OK : session_of(TS_NAME_PIPE, &session);
    status = status ? status : ts_call(session, TS_PIPE_MAKE, &call, PATIENCE, NULL);
    *out_reader = call.out_handle[0];
    *out_writer = call.out_handle[1];
    return status;
}

// A datagram to the socket that sends it.
static struct {
    struct ts_net_address to;
    char bytes[1000];
} datagram;

static ts_status_t socket_make(ts_handle_t *out_socket)
{
    static ts_handle_t session;
    struct ts_net_address any = {TS_NET_FAMILY_V4, 0, 0, {127, 0, 0, 1}};
    ts_status_t status = session ? TS_OK : session_of(TS_NAME_NET, &session);
    status = status ? status : ts_create(session, TS_NET_UDP, 0, 0, socket_rights, out_socket);
    status =
        status ? status : ts_call_bytes(*out_socket, TS_NET_BIND, &any, sizeof(any), NULL, 0, NULL);
    status = status ? status
                    : ts_call_bytes(*out_socket, TS_NET_GET_NAME, NULL, 0, &datagram.to,
                                    sizeof(datagram.to), NULL);
    return status;
}

// ---- Floods: what there is before, and one request more

static ts_status_t large_begin(void)
{
    ts_status_t status = file_make("flood", TS_FILE_REGULAR, &object);
    for (size_t done = 0, moved = 0; status == TS_OK && done < LARGE; done += moved) {
        status = ts_write(object, bytes + done, LARGE - done, done, PATIENCE, &moved);
    }
    return status;
}

static void large_read(struct ts_submission *slot, uint32_t i)
{
    ts_prepare_read(slot, object, bytes, LARGE, 0, 0, i);
}

static void large_write(struct ts_submission *slot, uint32_t i)
{
    ts_prepare_write(slot, object, bytes, LARGE, 0, 0, i);
}

// Beyond the buffer nothing is mapped.
static void half_write(struct ts_submission *slot, uint32_t i)
{
    ts_prepare_write(slot, object, bytes + LARGE / 2, LARGE, 2 * LARGE, 0, i);
}

static ts_status_t folder_begin(void)
{
    ts_handle_t made;
    char name[32];
    ts_status_t status = TS_OK;
    for (unsigned i = 0; status == TS_OK && i < 300; i++) {
        snprintf(name, sizeof(name), "flood%u", i);
        status = file_make(name, TS_FILE_REGULAR, &made);
        ts_close(status ? TS_HANDLE_NONE : made);
    }
    object = tmp;
    return status;
}

static void list_again(struct ts_submission *slot, uint32_t i)
{
    ts_prepare(slot, object, &(struct ts_op){.op = TS_OP_LIST, .address = bytes, .length = LARGE},
               i);
}

static ts_status_t deep_begin(void)
{
    ts_status_t status = TS_OK;
    ts_handle_t below = tmp;
    for (unsigned i = 0; status == TS_OK && i < DEEP; i++) {
        status = ts_create(below, "hd", TS_FILE_DIRECTORY, 0, rights, &object);
        if (i > 0) {
            ts_close(below);
        }
        below = object;
        memcpy(path + 3 * i, "hd/", 3);
    }
    strcpy(path + 3 * DEEP, "none");
    object = tmp;
    return status;
}

static void path_open(struct ts_submission *slot, uint32_t i)
{
    ts_prepare_open(slot, object, path, (uint32_t)strlen(path), 0, rights, 0, i);
}

static ts_status_t long_begin(void)
{
    memset(path, 'n', 255);
    object = tmp;
    return TS_OK;
}

static ts_status_t tree_begin(void) // init's
{
    while (strlen(path) + 4 < sizeof(path)) {
        strcat(path, "www/");
    }
    object = ts_named_handle(TS_NAME_FILE);
    return TS_OK;
}

static ts_status_t pipes_begin(void)
{
    return pipe_make(&object, &other);
}

static void pipe_move(struct ts_submission *slot, uint32_t i)
{
    if (i % 2) {
        ts_prepare_read_current(slot, object, bytes, 65536, 0, i);
    } else {
        ts_prepare_write_current(slot, other, bytes + LARGE / 2, 65536, 0, i);
    }
}

static void pipe_cancel(struct ts_submission *slot, uint32_t i) // reads that wait, and ends
{
    if (i % 2) {
        ts_prepare_read_current(slot, object, bytes, 1, 0, i);
    } else {
        ts_prepare_cancel(slot, i + 1, 0, i);
    }
}

static void pipe_late(struct ts_submission *slot, uint32_t i) // the deadline passes at once
{
    ts_prepare_read_current(slot, object, bytes, 1, 1, i);
}

static ts_status_t sends_begin(void)
{
    return socket_make(&object);
}

static void send_one(struct ts_submission *slot, uint32_t i)
{
    static struct ts_call call = {.in_address = (uintptr_t)&datagram,
                                  .in_length = sizeof(datagram)};
    ts_prepare_call(slot, object, TS_NET_SEND, &call, 0, i);
}

static ts_status_t sockets_begin(void)
{
    return session_of(TS_NAME_NET, &object);
}

static void socket_list(struct ts_submission *slot, uint32_t i)
{
    static uint32_t first;
    static struct ts_call call = {
        .in_address = (uintptr_t)&first, .in_length = sizeof(first), .out_length = 65536};
    call.out_address = (uintptr_t)bytes;
    ts_prepare_call(slot, object, TS_NET_SOCKETS, &call, 0, i);
}

static ts_status_t log_begin(void)
{
    object = ts_named_handle(TS_NAME_LOG);
    return TS_OK;
}

static void log_line(struct ts_submission *slot, uint32_t i)
{
    static const char line[] = "a line that nobody wants\n";
    ts_prepare_write(slot, object, line, sizeof(line) - 1, 0, 0, i);
}

// Registrations: the same listener again and again, and names that nobody knows.
static ts_status_t listens_begin(void)
{
    struct ts_net_address any = {TS_NET_FAMILY_V4, 0, 0, {0}};
    ts_handle_t session;
    ts_status_t status = session_of(TS_NAME_NET, &session);
    status = status ? status : ts_create(session, TS_NET_TCP, 0, 0, socket_rights, &object);
    return status ? status : ts_call_bytes(object, TS_NET_BIND, &any, sizeof(any), NULL, 0, NULL);
}

static void listen_again(struct ts_submission *slot, uint32_t i)
{
    static uint32_t backlog = TS_NET_BACKLOG_MAX;
    static struct ts_call call = {.in_address = (uintptr_t)&backlog, .in_length = sizeof(backlog)};
    ts_prepare_call(slot, object, TS_NET_LISTEN, &call, 0, i);
}

static void ask_name(struct ts_submission *slot, uint32_t i)
{
    static struct {
        struct ts_net_resolve resolve;
        char name[15];
    } question = {.name = "nobody.invalid"};
    static struct ts_call call = {.in_address = (uintptr_t)&question,
                                  .in_length = sizeof(question.resolve) + 14,
                                  .out_length = 4096};
    call.out_address = (uintptr_t)bytes;
    ts_prepare_call(slot, object, TS_NET_RESOLVE, &call, 0, i);
}

// init: its tree's root, the records of all services, a file's pages, a path below a name.
static ts_status_t entries_begin(void)
{
    object = ts_named_handle(TS_NAME_FILE);
    return TS_OK;
}

static ts_status_t records_begin(void)
{
    object = ts_named_handle(TS_NAME_CONTROL);
    return TS_OK;
}

static ts_status_t maps_begin(void)
{
    return ts_open(ts_named_handle(TS_NAME_FILE), "bin/true", 0, rights, &object);
}

static void map_again(struct ts_submission *slot, uint32_t i)
{
    ts_prepare(slot, object,
               &(struct ts_op){.op = TS_OP_MAP, .rights = TS_RIGHT_READ | TS_RIGHT_MAP}, i);
}

static ts_status_t named_begin(void)
{
    strcpy(path, "none");
    object = ts_named_handle(TS_NAME_NET);
    return TS_OK;
}

// The terminal: what it shows of this is nothing.
static ts_status_t prints_begin(void)
{
    memset(bytes, '\r', LARGE);
    object = ts_named_handle(TS_NAME_OUT);
    return TS_OK;
}

static void print_again(struct ts_submission *slot, uint32_t i)
{
    ts_prepare_write_current(slot, object, bytes, LARGE, 0, i);
}

// The web server's log.
static ts_status_t logfile_begin(void)
{
    return ts_open(ts_named_handle(TS_NAME_FILE), LOG_FILE, 0, TS_RIGHT_READ, &object);
}

static void no_op(struct ts_submission *slot, uint32_t i)
{
    ts_prepare_nop(slot, i);
}

static ts_status_t nothing_begin(void)
{
    return TS_OK;
}

static const struct flood {
    const char *name;
    ts_status_t (*begin)(void);
    void (*prepare)(struct ts_submission *, uint32_t);
    bool gives; // a handle each
} floods[] = {{"reads", large_begin, large_read},
              {"writes", large_begin, large_write},
              {"half", large_begin, half_write},
              {"lists", folder_begin, list_again},
              {"depth", deep_begin, path_open},
              {"names", long_begin, path_open},
              {"tree", tree_begin, path_open},
              {"moves", pipes_begin, pipe_move},
              {"cancels", pipes_begin, pipe_cancel},
              {"late", pipes_begin, pipe_late},
              {"sends", sends_begin, send_one},
              {"sockets", sockets_begin, socket_list},
              {"log", log_begin, log_line},
              {"listens", listens_begin, listen_again},
              {"questions", sockets_begin, ask_name},
              {"entries", entries_begin, list_again},
              {"records", records_begin, list_again},
              {"maps", maps_begin, map_again, true},
              {"named", named_begin, path_open, true},
              {"prints", prints_begin, print_again},
              {"logfile", logfile_begin, large_read},
              {"nothing", nothing_begin, no_op}};

static ts_status_t fill(const struct flood *kind, struct ts_ring_queue *ring)
{
    ts_status_t status = kind->begin();
    status = status ? status : ts_ring_create(ring, FLIGHT, FLIGHT, FLIGHT);
    for (uint32_t i = 0; status == TS_OK && i < FLIGHT - 1; i++) { // one record is the kernel's
        kind->prepare(ts_ring_slot(ring), i);
    }
    return status;
}

static int flood(const struct flood *kind)
{
    static struct ts_ring_queue ring;
    struct ts_event event;
    ts_status_t status = fill(kind, &ring);
    printf("flood %s: %s\n", kind->name, ts_status_name(status)); // before it floods the terminal
    fflush(stdout);
    ts_handle_t go;
    status = status ? status : ts_ring_submit(&ring);
    status = status ? status : file_make("go", TS_FILE_REGULAR, &go);
    while (status == TS_OK) {
        status = ts_ring_enter(&ring, 1, TS_DEADLINE_NONE);
        while (status == TS_OK && ts_ring_next(&ring, &event)) {
            if (kind->gives && event.status == TS_OK) {
                ts_close((ts_handle_t)event.value);
            }
            kind->prepare(ts_ring_slot(&ring), (uint32_t)event.user_data);
        }
    }
    printf("flood %s ends: %s\n", kind->name, ts_status_name(status));
    return 1;
}

// Nothing is closed and nothing waited for.
static _Noreturn void die(const struct flood *kind, unsigned step)
{
    static struct ts_ring_queue ring;
    ts_status_t status = fill(kind, &ring);
    status = status ? status : ts_ring_submit(&ring);
    if (status == TS_OK && step > 0) {
        status = ts_ring_enter(&ring, step, ts_deadline_in(TS_SECOND));
    }
    _exit(status == TS_OK || status == TS_ERR_TIMED_OUT ? 0 : 1);
}

// ---- Honest ones: a round each

static ts_status_t work_memfs(void)
{
    static char name[40];
    size_t moved;
    ts_handle_t made;
    snprintf(name, sizeof(name), "honest%lx", (unsigned long)(uintptr_t)&moved);
    ts_status_t status = file_make(name, TS_FILE_REGULAR, &made);
    if (status) {
        return status;
    }
    status = ts_write(made, bytes, 4096, 0, PATIENCE, &moved);
    status = status ? status : ts_read_all(made, bytes, 4096, 0);
    ts_close(made);
    ts_status_t removed = ts_remove(tmp, name, 0);
    return status ? status : removed;
}

static ts_status_t work_pipes(void)
{
    ts_handle_t reader, writer;
    size_t moved;
    ts_status_t status = pipe_make(&reader, &writer);
    if (status) {
        return status;
    }
    for (unsigned i = 0; status == TS_OK && i < 4; i++) {
        status = ts_write_current(writer, bytes, 4096, 0, PATIENCE, &moved);
        status = status ? status : ts_read_current(reader, bytes, 4096, 0, PATIENCE, &moved);
    }
    ts_close(reader);
    ts_close(writer);
    return status;
}

static ts_status_t work_netd(void)
{
    size_t moved;
    ts_handle_t socket;
    ts_status_t status = socket_make(&socket);
    for (unsigned i = 0; status == TS_OK && i < 4; i++) {
        status = ts_call_bytes(socket, TS_NET_SEND, &datagram, sizeof(datagram), NULL, 0, NULL);
        status = status ? status : ts_read_current(socket, bytes, 4096, 0, PATIENCE, &moved);
    }
    ts_close(socket);
    return status;
}

static ts_status_t work_init(void)
{
    ts_handle_t file;
    ts_status_t status = ts_open(ts_named_handle(TS_NAME_FILE), "bin/true", 0, rights, &file);
    status = status ? status : ts_read_all(file, bytes, 4096, 0);
    ts_close(file);
    return status;
}

static ts_status_t work_serial(void)
{
    size_t moved;
    memset(bytes, '\r', 512);
    return ts_write_current(ts_named_handle(TS_NAME_OUT), bytes, 512, 0, PATIENCE, &moved);
}

static ts_status_t work_log(void)
{
    static const char line[] = "one line of somebody who has something to say, from time to time\n";
    size_t moved;
    ts_handle_t log = ts_named_handle(TS_NAME_LOG);
    return ts_write_current(log, line, sizeof(line) - 1, 0, PATIENCE, &moved);
}

static ts_status_t work_httpd(void)
{
    ts_handle_t file;
    size_t moved;
    ts_status_t status = ts_open(ts_named_handle(TS_NAME_FILE), LOG_FILE, 0, TS_RIGHT_READ, &file);
    status = status ? status : ts_read(file, bytes, 4096, 0, PATIENCE, &moved);
    ts_close(file);
    return status;
}

static const struct work {
    const char *name;
    ts_status_t (*round)(void);
} works[] = {{"memfs", work_memfs}, {"pipes", work_pipes},   {"netd", work_netd},
             {"init", work_init},   {"serial", work_serial}, {"log", work_log},
             {"httpd", work_httpd}};

// Microseconds; of the terminal those in which the machine was not idle, since the host may be slow
// to read its line.
static long passed(const struct work *kind)
{
    struct ts_system_statistics statistics;
    if (kind->round != work_serial) {
        return (long)(ts_clock_now() / TS_MICROSECOND);
    }
    ts_status_t status = ts_system_statistics(ts_named_handle("system"), &statistics);
    return status == TS_OK ? (long)(statistics.uptime_ns - statistics.idle_ns) / 1000 : -1;
}

static int work(const struct work *kind, unsigned rounds)
{
    ts_handle_t go;
    printf("work %s: ready\n", kind->name);
    fflush(stdout);
    while (ts_open(tmp, "go", 0, TS_RIGHT_READ, &go) != TS_OK) {
        ts_sleep_until(ts_deadline_in(2 * TS_MILLISECOND));
    }
    ts_close(go);
    long begin = passed(kind);
    ts_status_t status = TS_OK;
    for (unsigned i = 0; status == TS_OK && i < rounds; i++) {
        status = kind->round();
    }
    printf("work %s: %s from %ld to %ld\n", kind->name, ts_status_name(status), begin,
           passed(kind));
    return status != TS_OK;
}

int main(int argc, char **argv)
{
    const char *name = argc > 2 ? argv[2] : "";
    ts_status_t status = ts_open(ts_named_handle(TS_NAME_FILE), "tmp", 0, rights, &tmp);
    void *memory = NULL;
    status = status ? status : ts_memory_allocate(LARGE, 0, NULL, &memory);
    if (status) {
        printf("begins with %s\n", ts_status_name(status));
        return 1;
    }
    bytes = memory;
    memset(bytes, 'b', LARGE);
    for (unsigned i = 0; i < sizeof(floods) / sizeof(*floods); i++) {
        if (strcmp(floods[i].name, name) != 0 || strcmp(argv[1], "work") == 0) {
            continue;
        }
        if (strcmp(argv[1], "flood") == 0) {
            return flood(&floods[i]);
        }
        die(&floods[i], argc > 3 ? (unsigned)atoi(argv[3]) : 0);
    }
    for (unsigned i = 0; i < sizeof(works) / sizeof(*works); i++) {
        if (strcmp(argv[1], "work") == 0 && strcmp(works[i].name, name) == 0) {
            return work(&works[i], argc > 3 ? (unsigned)atoi(argv[3]) : 1);
        }
    }
    return 2;
}
