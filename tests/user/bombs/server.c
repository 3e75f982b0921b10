// SPDX-License-Identifier: MIT
// Bombs of what servers keep for their clients: names, files, pipes, sockets, lines of the log.
//
// A bomb with `most` stops short of where the server itself would come to its job's limit.
#include "bomb.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include <tessera/lib/op.h>
#include <tessera/proto/file.h>
#include <tessera/proto/net.h>
#include <tessera/proto/pipe.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>

#define ROOMY LIMITED(1000, 10000, 0)
static ts_handle_t folder, session;
static const ts_rights_t file_rights =
    TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_OPEN | TS_RIGHT_MAP | TS_RIGHT_WAIT;

static ts_status_t prepare_folder(void)
{
    return ts_open(ts_named_handle(TS_NAME_FILE), BOMB_FOLDER, 0, file_rights, &folder);
}

static ts_status_t make_line(void)
{
    static const char line[] = "a line that nobody wants\n";
    size_t bytes;
    return ts_write(ts_named_handle(TS_NAME_LOG), line, sizeof(line) - 1, 0, TS_DEADLINE_NONE,
                    &bytes);
}

static ts_status_t make_name(void) // at init, which serves the archive
{
    ts_handle_t handle;
    return ts_open(ts_named_handle(TS_NAME_FILE), BOMBS_PROGRAM, 0, TS_RIGHT_READ, &handle);
}

static ts_status_t make_opened(void) // at memfs, anew in one session
{
    ts_handle_t handle;
    return ts_open(folder, "", 0, file_rights, &handle);
}

static ts_status_t make_file(void)
{
    static unsigned number;
    char name[24];
    ts_handle_t file;
    size_t bytes;
    ts_format(name, sizeof(name), "f%u", number++);
    ts_status_t status = ts_create(folder, name, TS_FILE_REGULAR, 0, file_rights, &file);
    if (status != TS_OK) {
        return status;
    }
    status = ts_write(file, name, sizeof(name), 0, TS_DEADLINE_NONE, &bytes);
    ts_close(file);
    return status;
}

// Each map is memory of the bomb's own, with a copy.
static ts_status_t make_map(void)
{
    static ts_handle_t file;
    ts_handle_t handle;
    size_t bytes;
    ts_status_t status = TS_OK;
    if (file == TS_HANDLE_NONE) {
        status = ts_create(folder, "mapped", TS_FILE_REGULAR, 0, file_rights, &file);
    }
    if (status == TS_OK) {
        status = ts_write(file, "x", 1, 0, TS_DEADLINE_NONE, &bytes);
    }
    return status != TS_OK
               ? status
               : ts_map_object(file, 0, BOMB_PAGE, TS_RIGHT_READ | TS_RIGHT_MAP, &handle);
}

// Each in the one before.
static ts_status_t make_depth(void)
{
    ts_handle_t below;
    ts_status_t status = ts_create(folder, "d", TS_FILE_DIRECTORY, 0, file_rights, &below);
    if (status == TS_OK) {
        folder = below;
    }
    return status;
}

static ts_status_t make_path(void) // as long as a path may be
{
    static char path[2 * TS_PATH_MAX] = BOMB_FOLDER;
    ts_handle_t below;
    memcpy(path + strlen(path), "/././././././././.", 18);
    ts_status_t status = ts_open(ts_named_handle(TS_NAME_FILE), path, 0, TS_RIGHT_READ, &below);
    if (status == TS_ERR_ARGUMENT || status == TS_ERR_NOT_FOUND) {
        return TS_OK; // "." is not a name for servers
    }
    if (status == TS_OK) {
        ts_close(below);
    }
    return status;
}

static ts_status_t make_share(void) // no file system takes what is not its own
{
    return ts_share(folder, "shared", ts_named_handle(TS_NAME_FILE));
}

static ts_status_t prepare_pipes(void)
{
    return ts_open(ts_named_handle(TS_NAME_PIPE), "", 0, TS_RIGHTS_SAME, &session);
}

static ts_status_t make_pipe(void)
{
    struct ts_call call = {.out_handles = 2};
    return ts_call(session, TS_PIPE_MAKE, &call, ts_deadline_in(10 * TS_SECOND), NULL);
}

static ts_status_t prepare_net(void)
{
    return ts_open(ts_named_handle(TS_NAME_NET), "", 0, TS_RIGHTS_SAME, &session);
}

static ts_status_t socket_make(const char *kind, ts_handle_t *out_socket)
{
    return ts_create(session, kind, 0, 0,
                     TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_CALL | TS_RIGHT_WAIT, out_socket);
}

// A session that gives no more is left for another: what counts is the client.
static ts_status_t make_socket(void)
{
    ts_handle_t socket;
    ts_status_t status = socket_make(TS_NET_UDP, &socket);
    if (status != TS_ERR_LIMIT) {
        return status;
    }
    status = prepare_net();
    return status != TS_OK ? status : socket_make(TS_NET_UDP, &socket);
}

// A ring full of reads that wait for ever, until one is refused.
static ts_status_t make_reads(void)
{
    static struct ts_ring_queue ring; // earlier ones stay
    static char byte;
    ts_handle_t socket;
    uint32_t count = bomb_scale.ring;
    struct ts_event event;
    ts_status_t status = socket_make(TS_NET_UDP, &socket);
    if (status != TS_OK) {
        return status;
    }
    if (ts_ring_create(&ring, count, count, count) != TS_OK) {
        return TS_ERR_MEMORY; // the job's limit came first: not what is wanted
    }
    for (uint32_t i = 0; i < count; i++) {
        ts_prepare(ts_ring_slot(&ring), socket,
                   &(struct ts_op){.op = TS_OP_READ, .address = &byte, .length = 1}, i);
    }
    status = ts_ring_submit(&ring);
    if (status == TS_OK) {
        status = ts_ring_enter(&ring, 1, ts_deadline_in(100 * TS_MILLISECOND));
    }
    if (status == TS_ERR_TIMED_OUT) {
        return TS_OK;
    }
    return status == TS_OK && ts_ring_next(&ring, &event) ? event.status : status;
}

// A socket full of datagrams that nobody reads.
static ts_status_t make_unread(void)
{
    static struct {
        struct ts_net_address to;
        char bytes[4000];
    } datagram = {.to = {TS_NET_FAMILY_V4, 0, 0, {127, 0, 0, 1}}};
    struct ts_net_address any = {TS_NET_FAMILY_V4, 0, 0, {0}};
    ts_handle_t socket;
    ts_status_t status = socket_make(TS_NET_UDP, &socket);
    if (status == TS_OK) {
        status = ts_call_bytes(socket, TS_NET_BIND, &any, sizeof(any), NULL, 0, NULL);
    }
    if (status == TS_OK) {
        status = ts_call_bytes(socket, TS_NET_GET_NAME, NULL, 0, &any, sizeof(any), NULL);
    }
    datagram.to.port = any.port;
    for (unsigned i = 0; status == TS_OK && i < 64; i++) {
        status = ts_call_bytes(socket, TS_NET_SEND, &datagram, sizeof(datagram), NULL, 0, NULL);
    }
    return status;
}

static ts_status_t connect_to(const struct ts_net_address *to)
{
    ts_handle_t socket;
    struct ts_call call = {.in_address = (uintptr_t)to, .in_length = sizeof(*to)};
    ts_status_t status = socket_make(TS_NET_TCP, &socket);
    if (status != TS_OK) {
        return status;
    }
    call.method = TS_NET_CONNECT;
    status = ts_op(socket,
                   &(struct ts_op){.op = TS_OP_CALL,
                                   .flags = TS_FLAG_NOWAIT,
                                   .address = &call,
                                   .length = sizeof(call),
                                   .arg = TS_NET_CONNECT,
                                   .deadline = ts_deadline_in(10 * TS_SECOND)},
                   NULL);
    return status == TS_ERR_IN_PROGRESS ? TS_OK : status;
}

static ts_status_t make_half_open(void) // nobody is there
{
    const struct ts_net_address to = {TS_NET_FAMILY_V4, 9, 0, {10, 0, 2, 99}};
    return connect_to(&to);
}

static ts_status_t make_idle(void) // to the web server, and not a word
{
    const struct ts_net_address to = {TS_NET_FAMILY_V4, 80, 0, {127, 0, 0, 1}};
    return connect_to(&to);
}

#define LIMIT TS_ERR_LIMIT
const struct bomb bombs_server[] = {
    BOMB("log", NULL, make_line, ROOMY, TS_OK, .most = 200, .serves = true),
    BOMB("name", NULL, make_name, ROOMY, TS_OK, .most = 200, .serves = true),
    BOMB("opened", prepare_folder, make_opened, ROOMY, LIMIT, .serves = true),
    BOMB("file", prepare_folder, make_file, ROOMY, LIMIT, .serves = true),
    BOMB("map", prepare_folder, make_map, ROOMY, TS_OK, .most = 100, .serves = true),
    BOMB("depth", prepare_folder, make_depth, ROOMY, TS_OK, .most = 500, .serves = true),
    BOMB("path", NULL, make_path, ROOMY, TS_ERR_NAME_TOO_LONG, .serves = true),
    BOMB("share_name", prepare_folder, make_share, ROOMY, TS_ERR_RIGHTS, .serves = true),
    BOMB("pipe", prepare_pipes, make_pipe, ROOMY, LIMIT, .serves = true),
    BOMB("socket", prepare_net, make_socket, ROOMY, LIMIT, .serves = true),
    BOMB("read", prepare_net, make_reads, LIMITED(6000, 10000, 0), LIMIT, .serves = true),
    BOMB("unread", prepare_net, make_unread, ROOMY, LIMIT, .serves = true),
    BOMB("half_open", prepare_net, make_half_open, ROOMY, TS_OK, .most = 200, .serves = true),
    BOMB("idle", prepare_net, make_idle, ROOMY, TS_OK, .most = 100, .serves = true),
    {0},
};
