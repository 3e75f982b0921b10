// SPDX-License-Identifier: MIT
// What a connection reads into: a small buffer of its own, or one of the large ones, of which there
// are few.
#include <string.h>

#include <drivers/service/pool.h>

#include "connection.h"

static struct pool large = {.size = CONNECTION_LARGE, .limit = CONNECTION_LARGE_MAX};

size_t buffer_size(const struct connection *connection)
{
    return connection->buffer == connection->own ? CONNECTION_BUFFER : CONNECTION_LARGE;
}

bool buffer_grow(struct connection *connection)
{
    char *buffer = pool_take(&large);
    if (buffer == NULL) {
        return false;
    }
    memcpy(buffer, connection->own, connection->length);
    connection->buffer = buffer;
    shared_hold(&connection->holder, SHARED_LARGE);
    return true;
}

void buffer_free(struct connection *connection)
{
    if (connection->buffer == connection->own) {
        return;
    }
    pool_give(&large, connection->buffer);
    shared_let_go(&connection->holder, SHARED_LARGE);
    connection->buffer = connection->own;
}
