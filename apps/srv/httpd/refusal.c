// SPDX-License-Identifier: MIT
// Errors: the host's own page for one, if it has one that can be had, else a small page that is
// made. The status is the error's in any case, and what goes wrong with a page is no other error.
#include <string.h>

#include <tessera/lib/server.h>

#include "connection.h"

static struct response *start(struct connection *connection, struct http_head *head)
{
    struct response *response = respond_start(connection, connection->refused, head);
    if (response == NULL) {
        return NULL;
    }
    if (connection->refused == 405) {
        head->allow = RESPOND_METHODS;
    }
    head->varies = connection->refused == 406;
    return response;
}

static void send_made(struct connection *connection)
{
    struct http_head head;
    struct text path = connection->told ? connection->request.path : (struct text){0};
    struct response *response = start(connection, &head);
    if (response == NULL) {
        return;
    }
    response->page = response_page_take(connection);
    struct writer writer = writer_make(response->page, response->page != NULL ? RESPONSE_PAGE : 0);
    if (response->page != NULL) {
        http_error_page(&writer, connection->refused, path);
    }
    head.content_length = (int64_t)writer.length;
    head.content_type = RESPOND_HTML;
    respond_send(connection, &head, response->page, writer.length);
}

static void send_own(struct connection *connection)
{
    struct http_head head;
    const struct content *content = connection->content;
    if (start(connection, &head) == NULL) {
        return;
    }
    head.content_length = (int64_t)content->resource.size;
    head.content_type = content->media_type;
    respond_head(connection, &head);
    respond_bytes(connection, 0, content->resource.size);
    transfer_start(connection);
}

static void on_loaded(struct content_waiter *waiter)
{
    struct connection *connection = TS_OBJECT_OF(waiter, struct connection, waiter);
    if (connection->closing) {
        return;
    }
    if (connection->content->state == CONTENT_FILE) {
        send_own(connection);
    } else {
        send_made(connection);
    }
}

void respond_error(struct connection *connection, unsigned status, bool told)
{
    const struct host *host = connection->host;
    const struct error_page *page = config_error_page(connection->config, host, status);
    char path[CONFIG_PATH * 2];
    connection->refused = (uint16_t)status;
    connection->told = told;
    connection_release(connection);
    if (page == NULL) {
        send_made(connection);
        return;
    }
    if (host->root.length > 0) {
        memcpy(path, host->root.data, host->root.length);
    }
    memcpy(path + host->root.length, page->path.data, page->path.length);
    struct text file = {path, host->root.length + page->path.length};
    if (!respond_load(connection, file, false, on_loaded)) {
        send_made(connection);
    }
}

void respond_refusal(struct connection *connection, unsigned status)
{
    shared_go_on(&connection->holder);
    connection_take_config(connection);
    connection->keep_alive = false;
    connection->ending = true;
    connection->head_only =
        connection->request.method == HTTP_HEAD && connection->request.path.length > 0;
    respond_error(connection, status, false);
}
