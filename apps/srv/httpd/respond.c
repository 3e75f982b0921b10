// SPDX-License-Identifier: MIT
// How answers begin: the response, its head, what follows it.
#include "connection.h"
#include "httpd.h"

struct response *respond_start(struct connection *connection, unsigned status,
                               struct http_head *head)
{
    struct response *response = response_take(connection);
    if (response == NULL) {
        connection_close(connection);
        return NULL;
    }
    httpd.statistics.requests++;
    httpd.statistics.refusals += status >= 400;
    response->status = status;
    *head = (struct http_head){.status = status,
                               .now = httpd_now(),
                               .keep_alive = connection->keep_alive,
                               .minor0 = connection->minor0,
                               .content_length = 0,
                               .modified = -1};
    return response;
}

struct text respond_media_type(const struct connection *connection)
{
    const struct content *content = connection->content;
    if (connection->coding == CODING_IDENTITY) {
        return content->media_type;
    }
    struct text file = content_file(content);
    file.length -= http_coding_suffix((enum http_coding)connection->coding).length;
    return http_media_type(file);
}

// RESPONSE_HEAD is the sum of the limits: it fits.
void respond_head(struct connection *connection, const struct http_head *head)
{
    struct response *response = connection->response;
    struct writer writer = writer_make(response->head, sizeof(response->head));
    http_head_write(&writer, head);
    response->segments[0] =
        (struct ts_segment){.address = (uintptr_t)response->head, .length = writer.length};
    connection_give_config(connection);
}

void respond_send(struct connection *connection, const struct http_head *head, const void *body,
                  uint64_t length)
{
    respond_head(connection, head);
    connection->response->segments[1] = (struct ts_segment){
        .address = (uintptr_t)body, .length = connection->head_only ? 0 : length};
    transfer_start(connection);
}

void respond_bytes(struct connection *connection, uint64_t first, uint64_t length)
{
    struct response *response = connection->response;
    const uint8_t *bytes = connection->content->bytes;
    if (connection->head_only) {
        return;
    }
    if (bytes != NULL) {
        response->segments[1] =
            (struct ts_segment){.address = (uintptr_t)bytes + first, .length = length};
    } else {
        response->offset = first;
        response->left = length;
    }
}

bool respond_load(struct connection *connection, struct text path, bool lists,
                  void (*ready)(struct content_waiter *waiter))
{
    connection->state = CONNECTION_LOADING;
    connection->waiter.ready = ready;
    connection->content = content_get(path, lists, &connection->waiter);
    if (connection->content == NULL) {
        return false;
    }
    shared_hold(&connection->holder, SHARED_CONTENT);
    if (connection->content->state != CONTENT_LOADING) {
        ready(&connection->waiter);
    }
    return true;
}

void respond_page(struct connection *connection, char *page, size_t length,
                  struct text cache_control)
{
    struct http_head head;
    struct response *response = respond_start(connection, 200, &head);
    if (response == NULL) {
        response_page_give(connection, page);
        return;
    }
    response->page = page;
    head.content_length = (int64_t)length;
    head.content_type = RESPOND_HTML;
    head.cache_control = cache_control;
    respond_send(connection, &head, page, length);
}
