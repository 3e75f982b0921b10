// SPDX-License-Identifier: MIT
// An answer of several ranges (RFC 9110 14.6): each is a part, with a head of its own, and after
// the last comes the boundary once more. `part` counts what was begun, the end too.
#include <tessera/lib/random.h>

#include "connection.h"

static struct text boundary_of(const struct response *response)
{
    return (struct text){response->boundary, sizeof(response->boundary)};
}

// Random, so that no file has it. False: there is no generator.
static bool make_boundary(struct response *response)
{
    uint64_t random[2];
    struct writer writer = writer_make(response->boundary, sizeof(response->boundary));
    if (ts_random_bytes(random, sizeof(random)) != TS_OK) {
        return false;
    }
    write_hex(&writer, random[0] | UINT64_C(1) << 63); // 16 digits
    write_digits(&writer, random[1] % 100000000, 8);
    return true;
}

// The next part's head, and the end, are written behind what is in the head's buffer already.
static void begin_part(struct connection *connection, size_t used)
{
    struct response *response = connection->response;
    const struct content *content = connection->content;
    struct writer writer = writer_make(response->head, sizeof(response->head));
    writer.length = used;
    unsigned part = response->part++;
    if (part < response->parts - 1u) {
        const struct http_range *range = &response->ranges[part];
        http_part_head(&writer, boundary_of(response), respond_media_type(connection), range,
                       content->resource.size);
        respond_bytes(connection, range->first, range->length);
    } else {
        http_parts_end(&writer, boundary_of(response));
    }
    response->segments[0] =
        (struct ts_segment){.address = (uintptr_t)response->head, .length = writer.length};
    transfer_start(connection);
}

void parts_next(struct connection *connection)
{
    begin_part(connection, 0);
}

void parts_start(struct connection *connection, struct http_head *head)
{
    struct response *response = connection->response;
    const struct content *content = connection->content;
    unsigned count;
    char type[64];
    struct writer writer = writer_make(type, sizeof(type));
    if (!make_boundary(response)) {
        connection_close(connection);
        return;
    }
    (void)http_ranges_parse(connection->request.fields.values[HTTP_RANGE], content->resource.size,
                            response->ranges, &count);
    http_parts_type(&writer, boundary_of(response));
    head->content_type = (struct text){type, writer.length};
    head->content_length = (int64_t)http_parts_length(
        respond_media_type(connection), response->ranges, count, content->resource.size);
    head->parts = true;
    response->parts = (uint8_t)(count + 1); // and the end
    writer = writer_make(response->head, sizeof(response->head));
    http_head_write(&writer, head);
    connection_give_config(connection);
    begin_part(connection, writer.length);
}
