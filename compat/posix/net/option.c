// SPDX-License-Identifier: MIT
// Socket options: a table from POSIX's to the protocol's.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <tessera/lib/op.h>
#include "core/descriptor.h"
#include "core/posix.h"
#include "net/address.h"

#define SECOND INT64_C(1000000000)

struct option {
    int level, name;
    uint32_t native;
    int64_t scale; // native value of 1
};

static const struct option table[] = {
    {SOL_SOCKET, SO_TYPE, TS_NET_OPTION_TYPE, 1},
    {SOL_SOCKET, SO_ACCEPTCONN, TS_NET_OPTION_LISTENING, 1},
    {SOL_SOCKET, SO_REUSEADDR, TS_NET_OPTION_REUSE_ADDRESS, 1},
    {SOL_SOCKET, SO_REUSEPORT, TS_NET_OPTION_REUSE_ADDRESS, 1},
    {SOL_SOCKET, SO_KEEPALIVE, TS_NET_OPTION_KEEP_ALIVE, 1},
    {SOL_SOCKET, SO_BROADCAST, TS_NET_OPTION_BROADCAST, 1},
    {SOL_SOCKET, SO_SNDBUF, TS_NET_OPTION_SEND_BUFFER, 1},
    {SOL_SOCKET, SO_RCVBUF, TS_NET_OPTION_RECEIVE_BUFFER, 1},
    {IPPROTO_TCP, TCP_NODELAY, TS_NET_OPTION_NO_DELAY, 1},
    {IPPROTO_TCP, TCP_KEEPIDLE, TS_NET_OPTION_KEEP_IDLE, SECOND},
    {IPPROTO_TCP, TCP_KEEPINTVL, TS_NET_OPTION_KEEP_INTERVAL, SECOND},
    {IPPROTO_TCP, TCP_KEEPCNT, TS_NET_OPTION_KEEP_COUNT, 1},
    {IPPROTO_IP, IP_TTL, TS_NET_OPTION_HOP_LIMIT, 1},
    {IPPROTO_IP, IP_TOS, TS_NET_OPTION_TRAFFIC_CLASS, 1},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, TS_NET_OPTION_HOP_LIMIT, 1},
    {IPPROTO_IPV6, IPV6_TCLASS, TS_NET_OPTION_TRAFFIC_CLASS, 1},
    {IPPROTO_IPV6, IPV6_V6ONLY, TS_NET_OPTION_V6_ONLY, 1},
};

static const struct option *find(int level, int name)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].level == level && table[i].name == name) {
            return &table[i];
        }
    }
    return NULL;
}

static ts_status_t get(ts_handle_t handle, uint32_t name, int64_t *out)
{
    struct ts_net_option option = {.name = name};
    ts_status_t status = ts_call_bytes(handle, TS_NET_GET_OPTION, &option, sizeof(option), &option,
                                       sizeof(option), NULL);
    *out = option.value;
    return status;
}

static ts_status_t set(ts_handle_t handle, uint32_t name, int64_t value)
{
    struct ts_net_option option = {.name = name, .value = value};
    return ts_call_bytes(handle, TS_NET_SET_OPTION, &option, sizeof(option), NULL, 0, NULL);
}

// What a socket says that does not know the option.
static int finish(ts_status_t status)
{
    return status == TS_ERR_UNSUPPORTED ? posix_fail(ENOPROTOOPT) : posix_result(status);
}

static void give(const void *value, socklen_t size, void *out, socklen_t *length)
{
    memcpy(out, value, *length < size ? *length : size);
    *length = *length < size ? *length : size;
}

static ts_status_t get_linger(ts_handle_t handle, void *out, socklen_t *length)
{
    int64_t value;
    ts_status_t status = get(handle, TS_NET_OPTION_LINGER, &value);
    struct linger linger = {.l_onoff = value >= 0, .l_linger = value < 0 ? 0 : (int)value};
    give(&linger, sizeof(linger), out, length);
    return status;
}

static int get_from(ts_handle_t handle, int level, int name, void *out, socklen_t *length)
{
    if (level == SOL_SOCKET && name == SO_LINGER) {
        return finish(get_linger(handle, out, length));
    }
    int64_t value;
    int number;
    ts_status_t status;
    if (level == SOL_SOCKET && name == SO_ERROR) {
        status = get(handle, TS_NET_OPTION_ERROR, &value);
        number = posix_errno((ts_status_t)value);
    } else {
        const struct option *option = find(level, name);
        if (option == NULL) {
            return posix_fail(ENOPROTOOPT);
        }
        status = get(handle, option->native, &value);
        number = (int)(value / option->scale);
    }
    if (status == TS_OK) {
        give(&number, sizeof(number), out, length);
    }
    return finish(status);
}

static int set_to(ts_handle_t handle, int level, int name, const void *in, socklen_t length)
{
    if (level == SOL_SOCKET && name == SO_LINGER) {
        struct linger linger;
        if (length < sizeof(linger)) {
            return posix_fail(EINVAL);
        }
        memcpy(&linger, in, sizeof(linger));
        return finish(set(handle, TS_NET_OPTION_LINGER, linger.l_onoff ? linger.l_linger : -1));
    }
    const struct option *option = find(level, name);
    int number;
    if (option == NULL) {
        return posix_fail(ENOPROTOOPT);
    }
    if (length < sizeof(number)) {
        return posix_fail(EINVAL);
    }
    memcpy(&number, in, sizeof(number));
    // The stack sizes its buffers itself; a wish for another size is no error.
    if (option->native == TS_NET_OPTION_SEND_BUFFER ||
        option->native == TS_NET_OPTION_RECEIVE_BUFFER) {
        return 0;
    }
    return finish(set(handle, option->native, number * option->scale));
}

int getsockopt(int fd, int level, int name, void *restrict out, socklen_t *restrict length)
{
    struct open_file *file = descriptor_get(fd);
    if (file == NULL) {
        return -1;
    }
    int result = get_from(file->handle, level, name, out, length);
    open_file_put(file);
    return result;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    struct open_file *file = descriptor_get(fd);
    if (file == NULL) {
        return -1;
    }
    int result = set_to(file->handle, level, name, value, length);
    open_file_put(file);
    return result;
}
