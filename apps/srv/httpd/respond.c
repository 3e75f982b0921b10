// SPDX-License-Identifier: MIT
#include <string.h>

#include <drivers/service/pool.h>
#include <tessera/lib/server.h>

#include "connection.h"
#include "http/path.h"
#include "httpd.h"
#include "status_page.h"

static const struct text allowed = TEXT("GET, HEAD, OPTIONS");
static const struct text html = TEXT("text/html; charset=utf-8");

struct page {
    char bytes[RESPONSE_PAGE];
};

static struct pool pages = {.size = sizeof(struct page), .limit = 64};

char *respond_page_take(struct connection *connection)
{
    char *page = pool_take(&pages);
    if (page != NULL)
        shared_hold(&connection->holder, SHARED_PAGE);
    return page;
}

void respond_page_give(struct connection *connection, char *page)
{
    pool_give(&pages, page);
    shared_let_go(&connection->holder, SHARED_PAGE);
}

// The response's storage, its head started. NULL: the connection is closed for want of memory.
static struct response *start(struct connection *connection, unsigned status,
                              struct http_head *head)
{
    struct response *response = transfer_response(connection);
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

// RESPONSE_HEAD is the sum of the limits: it fits.
static void write_head(struct connection *connection, const struct http_head *head)
{
    struct response *response = connection->response;
    struct writer writer = writer_make(response->head, sizeof(response->head));
    http_head_write(&writer, head);
    response->segments[0] =
        (struct ts_segment){.address = (uintptr_t)response->head, .length = writer.length};
}

// Head, then `length` bytes of body that stay until they are sent.
static void send(struct connection *connection, const struct http_head *head, const void *body,
                 uint64_t length)
{
    write_head(connection, head);
    connection->response->segments[1] = (struct ts_segment){
        .address = (uintptr_t)body, .length = connection->head_only ? 0 : length};
    transfer_start(connection);
}

void respond_bytes(struct connection *connection, uint64_t first, uint64_t length)
{
    struct response *response = connection->response;
    const uint8_t *bytes = connection->content->bytes;
    if (connection->head_only)
        return;
    if (bytes != NULL) {
        response->segments[1] =
            (struct ts_segment){.address = (uintptr_t)bytes + first, .length = length};
    } else {
        response->offset = first;
        response->left = length;
    }
}

static void send_error(struct connection *connection, unsigned status, struct text detail)
{
    struct http_head head;
    struct response *response = start(connection, status, &head);
    if (response == NULL)
        return;
    response->page = respond_page_take(connection);
    struct writer writer = writer_make(response->page, response->page != NULL ? RESPONSE_PAGE : 0);
    if (response->page != NULL)
        http_error_page(&writer, status, detail);
    head.content_length = (int64_t)writer.length;
    head.content_type = html;
    if (status == 405)
        head.allow = allowed;
    send(connection, &head, response->page, writer.length);
}

void respond_refusal(struct connection *connection, unsigned status)
{
    shared_go_on(&connection->holder);
    connection->keep_alive = false;
    connection->ending = true;
    connection->head_only =
        connection->request.method == HTTP_HEAD && connection->request.path.length > 0;
    send_error(connection, status, (struct text){0});
}

// Also for redirects, whose Location is the decoded path encoded again, with the query.
static void redirect_to_directory(struct connection *connection)
{
    struct http_head head;
    char location[RESPONSE_HEAD - HTTP_RESPONSE_HEAD_MAX];
    struct writer writer = writer_make(location, sizeof(location));
    const struct content *content = connection->content;
    write_string(&writer, "/");
    write_path(&writer, (struct text){content->path, content->path_length});
    write_string(&writer, "/");
    if (start(connection, 301, &head) == NULL)
        return;
    head.location = (struct text){location, writer.length};
    send(connection, &head, NULL, 0);
}

static void send_content(struct connection *connection)
{
    struct http_head head;
    struct content *content = connection->content;
    struct http_answer answer =
        http_answer_decide(&connection->request, &content->resource, httpd_now());
    struct response *response = start(connection, answer.status, &head);
    if (response == NULL)
        return;
    head.etag = content->resource.etag;
    head.modified = content->resource.modified;
    head.whole_size = content->resource.size;
    head.range_first = answer.first;
    head.accept_ranges = true;
    if (answer.status == 304 || answer.status == 412) {
        head.content_length = answer.status == 304 ? -1 : 0;
        head.accept_ranges = false;
    }
    if (answer.status == 200 || answer.status == 206) {
        head.content_length = (int64_t)answer.length;
        head.content_type = content->media_type;
    }
    if (answer.parts > 1) {
        parts_start(connection, &head);
        return;
    }
    write_head(connection, &head);
    respond_bytes(connection, answer.first, answer.length);
    transfer_start(connection);
}

static unsigned status_of(ts_status_t status)
{
    switch (status) {
    case TS_ERR_NOT_FOUND:
    case TS_ERR_NOT_DIRECTORY:
    case TS_ERR_NAME_TOO_LONG:
    case TS_ERR_IS_DIRECTORY: return 404;
    case TS_ERR_RIGHTS: return 403;
    case TS_ERR_ARGUMENT: return 400;
    case TS_ERR_LIMIT:
    case TS_ERR_MEMORY:
    case TS_ERR_TIMED_OUT: return 503;
    default: return 500;
    }
}

void respond_file(struct connection *connection)
{
    struct content *content = connection->content;
    switch (content->state) {
    case CONTENT_FILE: send_content(connection); break;
    case CONTENT_DIRECTORY: redirect_to_directory(connection); break;
    default: send_error(connection, status_of(content->status), connection->request.path); break;
    }
}

static void on_loaded(struct content_waiter *waiter)
{
    struct connection *connection = TS_OBJECT_OF(waiter, struct connection, waiter);
    if (!connection->closing)
        respond_file(connection);
}

static void respond_again(struct holder *holder)
{
    respond(TS_OBJECT_OF(holder, struct connection, holder));
}

static void respond_options(struct connection *connection)
{
    struct http_head head;
    if (start(connection, 204, &head) == NULL)
        return;
    head.content_length = -1;
    head.allow = allowed;
    send(connection, &head, NULL, 0);
}

void respond_page(struct connection *connection, char *page, size_t length,
                  struct text cache_control)
{
    struct http_head head;
    struct response *response = start(connection, 200, &head);
    if (response == NULL) {
        respond_page_give(connection, page);
        return;
    }
    response->page = page;
    head.content_length = (int64_t)length;
    head.content_type = html;
    head.cache_control = cache_control;
    send(connection, &head, page, length);
}

void respond(struct connection *connection)
{
    const struct http_request *request = &connection->request;
    char path[CONTENT_PATH]; // a longer one is not found
    struct text decoded;
    shared_go_on(&connection->holder);
    connection->keep_alive = request->keep_alive;
    connection->minor0 = request->minor == 0;
    connection->head_only = request->method == HTTP_HEAD;
    connection->ending = request->ends_early; // its body may still come
    if (request->method == HTTP_OPTIONS) {
        respond_options(connection);
        return;
    }
    if (request->method >= HTTP_CONNECT) {
        send_error(connection, request->method == HTTP_UNKNOWN ? 501 : 405, (struct text){0});
        return;
    }
    ts_status_t status = path_decode(request->path, path, sizeof(path), &decoded);
    if (status != TS_OK) {
        send_error(connection, status_of(status), request->path);
    } else if (text_equal(decoded, TEXT("status"))) {
        if (!status_page(connection))
            connection_starve(connection, SHARED_PAGE, respond_again);
    } else {
        connection->state = CONNECTION_LOADING;
        connection->waiter.ready = on_loaded;
        connection->content = content_get(decoded, &connection->waiter);
        if (connection->content == NULL) {
            connection_starve(connection, SHARED_CONTENT, respond_again);
            return;
        }
        shared_hold(&connection->holder, SHARED_CONTENT);
        if (connection->content->state != CONTENT_LOADING)
            respond_file(connection);
    }
}
