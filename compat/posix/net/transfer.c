// SPDX-License-Identifier: MIT
// Bytes through sockets. Without an address and flags they are read and write.
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tessera/lib/op.h>
#include "core/descriptor.h"
#include "core/posix.h"
#include "net/address.h"

#define DATAGRAM_MAX 65535u

static unsigned wait_flag(const struct open_file *file, int flags)
{
    return (file->flags & O_NONBLOCK) || (flags & MSG_DONTWAIT) ? TS_FLAG_NOWAIT : 0;
}

static ts_status_t method(struct open_file *file, uint32_t number, unsigned flags, const void *in,
                          size_t in_length, void *out, size_t out_length, uint64_t *out_value)
{
    struct ts_call call = {.in_address = (uintptr_t)in,
                           .out_address = (uintptr_t)out,
                           .in_length = (uint32_t)in_length,
                           .out_length = (uint32_t)out_length,
                           .method = number};
    return ts_op(file->handle,
                 &(struct ts_op){.op = TS_OP_CALL,
                                 .flags = flags,
                                 .address = &call,
                                 .length = sizeof(call),
                                 .arg = number},
                 out_value);
}

static ts_status_t send_datagram(struct open_file *file, const void *bytes, size_t length,
                                 const struct ts_net_address *to, unsigned flags, size_t *out_done)
{
    if (length > DATAGRAM_MAX) {
        return TS_ERR_TOO_LARGE;
    }
    char *message = malloc(sizeof(*to) + length);
    if (message == NULL) {
        return TS_ERR_MEMORY;
    }
    memcpy(message, to, sizeof(*to));
    memcpy(message + sizeof(*to), bytes, length);
    uint64_t value = 0;
    ts_status_t status =
        method(file, TS_NET_SEND, flags, message, sizeof(*to) + length, NULL, 0, &value);
    free(message);
    *out_done = (size_t)value;
    return status;
}

ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *address,
               socklen_t address_length)
{
    struct ts_net_address to = {0};
    int error = address != NULL ? address_in(address, address_length, &to) : 0;
    struct open_file *file = error ? NULL : descriptor_get(fd);
    if (file == NULL) {
        return error ? posix_fail(error) : -1;
    }
    size_t done = 0;
    unsigned wait = wait_flag(file, flags);
    ts_status_t status = file->type == SOCK_DGRAM
                             ? send_datagram(file, bytes, length, &to, wait, &done)
                             : open_file_write(file, bytes, length, wait, &done);
    open_file_put(file);
    if (status == TS_ERR_TOO_LARGE) {
        return posix_fail(EMSGSIZE);
    }
    if (status == TS_ERR_PEER_CLOSED) {
        if (!(flags & MSG_NOSIGNAL)) {
            raise(SIGPIPE);
        }
        return posix_fail(EPIPE);
    }
    return status == TS_OK ? (ssize_t)done : posix_result(status);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
    return sendto(fd, bytes, length, flags, NULL, 0);
}

struct received {
    struct ts_net_received head;
    size_t bytes; // in the caller's buffer
    bool cut;
};

// Through RECEIVE, which tells the sender and can look without taking.
static ts_status_t receive_message(struct open_file *file, void *buffer, size_t length,
                                   uint32_t how, unsigned wait, struct received *out)
{
    size_t room = length < DATAGRAM_MAX ? length : DATAGRAM_MAX;
    char *answer = malloc(sizeof(out->head) + room);
    if (answer == NULL) {
        return TS_ERR_MEMORY;
    }
    uint64_t value = 0;
    ts_status_t status = method(file, TS_NET_RECEIVE, wait, &how, sizeof(how), answer,
                                sizeof(out->head) + room, &value);
    if (status == TS_OK && (value < sizeof(out->head) || value > sizeof(out->head) + room)) {
        status = TS_ERR_PROTOCOL;
    }
    if (status == TS_OK) {
        memcpy(&out->head, answer, sizeof(out->head));
        out->bytes = (size_t)value - sizeof(out->head);
        out->cut = out->head.length > out->bytes;
        memcpy(buffer, answer + sizeof(out->head), out->bytes);
    }
    free(answer);
    return status;
}

static ts_status_t receive(struct open_file *file, void *buffer, size_t length, int flags,
                           struct received *out)
{
    unsigned wait = wait_flag(file, flags);
    *out = (struct received){0};
    if (file->type == SOCK_DGRAM || (flags & MSG_PEEK)) {
        uint32_t how = flags & MSG_PEEK ? TS_NET_RECEIVE_PEEK : 0;
        return receive_message(file, buffer, length, how, wait, out);
    }
    ts_status_t status;
    do {
        size_t step = 0;
        status = ts_read_current(file->handle, (char *)buffer + out->bytes, length - out->bytes,
                                 wait, TS_DEADLINE_NONE, &step);
        if (status != TS_OK || step == 0) {
            break;
        }
        out->bytes += step;
    } while ((flags & MSG_WAITALL) && out->bytes < length);
    return out->bytes ? TS_OK : status;
}

ssize_t recvfrom(int fd, void *restrict buffer, size_t length, int flags,
                 struct sockaddr *restrict address, socklen_t *restrict address_length)
{
    struct open_file *file = descriptor_get(fd);
    if (file == NULL) {
        return -1;
    }
    struct received received;
    ts_status_t status = receive(file, buffer, length, flags, &received);
    if (status == TS_OK && address != NULL && received.head.from.family) {
        address_out(&received.head.from, file->domain, address, address_length);
    } else if (address_length != NULL) {
        *address_length = 0; // a stream: the peer is known already
    }
    open_file_put(file);
    if (status != TS_OK) {
        return posix_result(status);
    }
    return (ssize_t)(received.cut && (flags & MSG_TRUNC) ? received.head.length : received.bytes);
}

ssize_t recv(int fd, void *buffer, size_t length, int flags)
{
    return recvfrom(fd, buffer, length, flags, NULL, NULL);
}

static size_t total(const struct msghdr *message)
{
    size_t length = 0;
    for (int i = 0; i < message->msg_iovlen; i++) {
        length += message->msg_iov[i].iov_len;
    }
    return length;
}

// The parts of a message go as one: through a buffer.
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    size_t length = total(message), at = 0;
    char *bytes = malloc(length ? length : 1);
    if (bytes == NULL || message->msg_controllen) {
        free(bytes);
        return posix_fail(bytes != NULL ? EOPNOTSUPP : ENOMEM);
    }
    for (int i = 0; i < message->msg_iovlen; i++) {
        memcpy(bytes + at, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
        at += message->msg_iov[i].iov_len;
    }
    ssize_t result = sendto(fd, bytes, length, flags, message->msg_name, message->msg_namelen);
    free(bytes);
    return result;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    size_t length = total(message);
    char *bytes = malloc(length ? length : 1);
    if (bytes == NULL) {
        return -1;
    }
    ssize_t result = recvfrom(fd, bytes, length, flags | MSG_TRUNC, message->msg_name,
                              message->msg_name != NULL ? &message->msg_namelen : NULL);
    message->msg_controllen = 0;
    message->msg_flags = result > (ssize_t)length ? MSG_TRUNC : 0;
    size_t left = result < 0 ? 0 : (size_t)result < length ? (size_t)result : length;
    const char *at = bytes;
    for (int i = 0; i < message->msg_iovlen && left; i++) {
        size_t step = message->msg_iov[i].iov_len < left ? message->msg_iov[i].iov_len : left;
        memcpy(message->msg_iov[i].iov_base, at, step);
        at += step;
        left -= step;
    }
    free(bytes);
    return result > (ssize_t)length && !(flags & MSG_TRUNC) ? (ssize_t)length : result;
}
