// SPDX-License-Identifier: MIT
// A file's representations (RFC 9110 12): itself, and what stands beside it with a coding, where
// the host offers that. The client's weights choose; of what is chosen and not there the cache's
// entry of the file remembers it.
#include <string.h>

#include <tessera/lib/server.h>

#include "connection.h"
#include "httpd.h"

// Its name as the client knows it.
static struct text name_of(const struct connection *connection)
{
    struct text file = content_file(connection->content);
    size_t root = connection->host->root.length;
    size_t suffix = http_coding_suffix((enum http_coding)connection->coding).length;
    return (struct text){file.data + root, file.length - root - suffix};
}

// What the host says of the file, and what the coding makes of it.
static void describe(const struct connection *connection, struct http_head *head)
{
    const struct host *host = connection->host;
    head->varies = host->coding_count > 0;
    if (connection->coding != CODING_IDENTITY && head->status < 300) {
        head->content_encoding = http_coding_name((enum http_coding)connection->coding);
    }
    if (host->caches.count > 0 && head->status < 400) {
        head->cache_control = config_cache(connection->config, host, name_of(connection));
    }
}

static void send(struct connection *connection, const struct http_resource *resource)
{
    struct http_head head;
    struct http_answer answer = http_answer_decide(&connection->request, resource, httpd_now());
    struct response *response = respond_start(connection, answer.status, &head);
    if (response == NULL) {
        return;
    }
    head.etag = resource->etag;
    head.modified = resource->modified;
    head.whole_size = resource->size;
    head.range_first = answer.first;
    head.accept_ranges = true;
    if (answer.status == 304 || answer.status == 412) {
        head.content_length = answer.status == 304 ? -1 : 0;
        head.accept_ranges = false;
    }
    if (answer.status == 200 || answer.status == 206) {
        head.content_length = (int64_t)answer.length;
        head.content_type = respond_media_type(connection);
    }
    if ((connection->host->coding_count | connection->host->caches.count) != 0) {
        describe(connection, &head);
    }
    if (answer.parts > 1) {
        parts_start(connection, &head);
        return;
    }
    respond_head(connection, &head);
    respond_bytes(connection, answer.first, answer.length);
    transfer_start(connection);
}

// With a tag of its own, also where size and date are the original's.
static void send_coded(struct connection *connection)
{
    struct http_resource resource = connection->content->resource;
    struct text tag = resource.etag;
    struct writer writer = writer_make(resource.etag_data, sizeof(resource.etag_data));
    write_text(&writer, (struct text){tag.data, tag.length - 1}); // without its last quote
    write_string(&writer, "-");
    write_text(&writer, http_coding_name((enum http_coding)connection->coding));
    write_string(&writer, "\"");
    resource.etag = (struct text){resource.etag_data, writer.length};
    send(connection, &resource);
}

static void choose(struct connection *connection);

// The original is what is answered with again.
static void take_back(struct connection *connection)
{
    if (connection->content != NULL) {
        content_put(connection->content);
    }
    connection->content = connection->original;
    connection->original = NULL;
    connection->coding = CODING_IDENTITY;
}

static void on_coded(struct content_waiter *waiter)
{
    struct connection *connection = TS_OBJECT_OF(waiter, struct connection, waiter);
    const struct content *content = connection->content;
    if (connection->closing) {
        return;
    }
    if (content->state == CONTENT_FILE) {
        content_put(connection->original);
        connection->original = NULL;
        shared_freed(SHARED_CONTENT);
        send_coded(connection);
        return;
    }
    uint8_t bit = (uint8_t)(1u << connection->coding);
    if (content->state == CONTENT_DIRECTORY || content->status == TS_ERR_NOT_FOUND) {
        connection->original->absent |= bit;
    }
    connection->tried |= bit;
    take_back(connection);
    choose(connection);
}

// What stands beside the file. It is not starved for: the original is held meanwhile.
static void load_coded(struct connection *connection, enum http_coding coding)
{
    char path[CONTENT_PATH + 32];
    struct text file = content_file(connection->content), suffix = http_coding_suffix(coding);
    memcpy(path, file.data, file.length);
    memcpy(path + file.length, suffix.data, suffix.length);
    connection->original = connection->content;
    connection->coding = (uint8_t)coding;
    struct text beside = {path, file.length + suffix.length};
    if (respond_load(connection, beside, false, on_coded)) {
        return;
    }
    connection->tried |= (uint8_t)(1u << coding);
    take_back(connection);
    choose(connection);
}

// At most as often as there are codings: each is tried once.
static void choose(struct connection *connection)
{
    const struct host *host = connection->host;
    struct http_codings wanted = http_codings_wanted(&connection->request.fields);
    enum http_coding coding = http_codings_choose(&wanted, host->codings, host->coding_count,
                                                  connection->tried | connection->content->absent);
    if (coding == CODING_IDENTITY) {
        send(connection, &connection->content->resource);
    } else if (coding == HTTP_CODINGS) {
        respond_error(connection, 406, true);
    } else {
        load_coded(connection, coding);
    }
}

void respond_content(struct connection *connection)
{
    connection->coding = CODING_IDENTITY;
    connection->tried = 0;
    if (connection->host->coding_count > 0 && !content_is_list(connection->content)) {
        choose(connection);
    } else {
        send(connection, &connection->content->resource);
    }
}
