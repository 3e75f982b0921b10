// SPDX-License-Identifier: MIT
// BSD sockets: each is an object of the network stack, <tessera/proto/net.h>.
#include <fcntl.h>
#include <sys/socket.h>
#include <tessera/abi/bootstrap.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/mutex.h>
#include <tessera/lib/op.h>
#include <tessera/lib/session.h>
#include <unistd.h>
#include "core/descriptor.h"
#include "core/posix.h"
#include "net/address.h"
#include "net/network.h"

static struct ts_session session;
static struct ts_mutex mutex;

ts_status_t network_with(network_use_t use, void *context)
{
    for (int attempt = 0;; attempt++) {
        ts_handle_t handle;
        ts_mutex_lock(&mutex);
        session.service = ts_named_handle(TS_NAME_NET);
        ts_status_t status = session.service ? ts_session_get(&session, TS_DEADLINE_NONE, &handle)
                                             : TS_ERR_UNSUPPORTED;
        ts_mutex_unlock(&mutex);
        status = status != TS_OK ? status : use(handle, context);
        if (status != TS_ERR_PEER_CLOSED || attempt) {
            return status;
        }
        ts_mutex_lock(&mutex);
        ts_session_lost(&session, handle);
        ts_mutex_unlock(&mutex);
    }
}

struct making {
    const char *kind;
    ts_handle_t socket;
};

#define SOCKET_RIGHTS                                                                 \
    (TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_OPEN | TS_RIGHT_CALL | TS_RIGHT_WAIT | \
     TS_RIGHT_SHARE | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER)

static ts_status_t make(ts_handle_t network, void *context)
{
    struct making *making = context;
    return ts_create(network, making->kind, 0, 0, SOCKET_RIGHTS, &making->socket);
}

static int nonblocking(struct open_file *file, bool on)
{
    ts_status_t status =
        ts_set_u64(file->handle, TS_PROPERTY_STATUS_FLAGS, on ? TS_OPEN_NOWAIT : 0);
    file->flags = on ? file->flags | O_NONBLOCK : file->flags & ~O_NONBLOCK;
    return status == TS_ERR_UNSUPPORTED ? 0 : posix_result(status);
}

static int install(ts_handle_t handle, int domain, int type)
{
    struct open_file *file = open_file_make(OPEN_SOCKET, handle, O_RDWR);
    if (file == NULL) {
        return -1;
    }
    file->domain = domain;
    file->type = type & 0xf;
    if ((type & SOCK_NONBLOCK) && nonblocking(file, true) < 0) {
        open_file_put(file);
        return -1;
    }
    return descriptor_install(file, 0, type & SOCK_CLOEXEC);
}

int socket(int domain, int type, int protocol)
{
    (void)protocol;
    int kind = type & 0xf;
    if (domain != AF_INET && domain != AF_INET6) {
        return posix_fail(EAFNOSUPPORT);
    }
    if (kind != SOCK_STREAM && kind != SOCK_DGRAM) {
        return posix_fail(EPROTONOSUPPORT);
    }
    bool tcp = kind == SOCK_STREAM, six = domain == AF_INET6;
    struct making making = {.kind = tcp   ? six ? TS_NET_TCP6 : TS_NET_TCP
                                    : six ? TS_NET_UDP6
                                          : TS_NET_UDP};
    ts_status_t status = network_with(make, &making);
    if (status == TS_ERR_UNSUPPORTED) {
        return posix_fail(EAFNOSUPPORT);
    }
    return status == TS_OK ? install(making.socket, domain, type) : posix_result(status);
}

// A socket's method without results.
static int call(int fd, uint32_t method, const void *in, size_t length)
{
    struct open_file *file = descriptor_get(fd);
    if (file == NULL) {
        return -1;
    }
    ts_status_t status = ts_call_bytes(file->handle, method, in, length, NULL, 0, NULL);
    bool socket = file->kind == OPEN_SOCKET || file->kind == OPEN_INHERITED;
    open_file_put(file);
    if (!socket) {
        return posix_fail(ENOTSOCK);
    }
    return posix_result(status);
}

static int call_address(int fd, uint32_t method, const struct sockaddr *address, socklen_t length)
{
    struct ts_net_address native;
    int error = address_in(address, length, &native);
    return error ? posix_fail(error) : call(fd, method, &native, sizeof(native));
}

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    return call_address(fd, TS_NET_BIND, address, length);
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    struct ts_net_address native;
    int error = address_in(address, length, &native);
    struct open_file *file = error ? NULL : descriptor_get(fd);
    if (file == NULL) {
        return error ? posix_fail(error) : -1;
    }
    struct ts_call call = {
        .in_address = (uintptr_t)&native, .in_length = sizeof(native), .method = TS_NET_CONNECT};
    uint64_t value;
    unsigned flags = file->flags & O_NONBLOCK ? TS_FLAG_NOWAIT : 0;
    ts_status_t status = ts_op(file->handle,
                               &(struct ts_op){.op = TS_OP_CALL,
                                               .flags = flags,
                                               .address = &call,
                                               .length = sizeof(call),
                                               .arg = TS_NET_CONNECT},
                               &value);
    open_file_put(file);
    return posix_result(status == TS_ERR_AGAIN ? TS_ERR_IN_PROGRESS : status);
}

int listen(int fd, int backlog)
{
    uint32_t number = backlog < 1 ? 1 : (uint32_t)backlog;
    return call(fd, TS_NET_LISTEN, &number, sizeof(number));
}

int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags)
{
    struct open_file *file = descriptor_get(fd);
    if (file == NULL) {
        return -1;
    }
    ts_handle_t connection;
    ts_status_t status = ts_accept(file->handle, file->flags & O_NONBLOCK ? TS_FLAG_NOWAIT : 0,
                                   SOCKET_RIGHTS, TS_DEADLINE_NONE, &connection);
    int domain = file->domain ? file->domain : AF_INET;
    open_file_put(file);
    if (status != TS_OK) {
        return posix_result(status);
    }
    struct ts_net_address peer = {0};
    if (address != NULL) { // gone again already: no address, as POSIX allows
        (void)ts_call_bytes(connection, TS_NET_GET_PEER, NULL, 0, &peer, sizeof(peer), NULL);
        address_out(&peer, domain, address, length);
    }
    return install(connection, domain, SOCK_STREAM | flags);
}

int accept(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    return accept4(fd, address, length, 0);
}

int shutdown(int fd, int how)
{
    static const uint32_t ways[] = {TS_NET_SHUT_READ, TS_NET_SHUT_WRITE,
                                    TS_NET_SHUT_READ | TS_NET_SHUT_WRITE};
    if (how < SHUT_RD || how > SHUT_RDWR) {
        return posix_fail(EINVAL);
    }
    return call(fd, TS_NET_SHUTDOWN, &ways[how], sizeof(ways[how]));
}

static int get_address(int fd, uint32_t method, struct sockaddr *address, socklen_t *length)
{
    struct ts_net_address native;
    struct open_file *file = descriptor_get(fd);
    if (file == NULL) {
        return -1;
    }
    ts_status_t status =
        ts_call_bytes(file->handle, method, NULL, 0, &native, sizeof(native), NULL);
    if (status == TS_OK) {
        address_out(&native, file->domain, address, length);
    }
    open_file_put(file);
    return posix_result(status);
}

int getsockname(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    return get_address(fd, TS_NET_GET_NAME, address, length);
}

int getpeername(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    return get_address(fd, TS_NET_GET_PEER, address, length);
}

int socketpair(int domain, int type, int protocol, int pair[2])
{
    (void)domain, (void)type, (void)protocol, (void)pair;
    return posix_fail(EOPNOTSUPP);
}
