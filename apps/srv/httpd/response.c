// SPDX-License-Identifier: MIT
// What an answer takes of bounded pools: the response itself, a piece of a large file, a page that
// is made.
#include <drivers/service/pool.h>
#include <tessera/lib/memory.h>

#include "connection.h"
#include "httpd.h"

static struct pool pages = {.size = RESPONSE_PAGE, .limit = 64};

static struct pool pieces = {.size = CONNECTION_PIECE, .limit = CONNECTION_PIECE_MAX};

static struct pool responses = {.size = POOL_SIZE(struct response),
                                .limit = HTTPD_PLACES,
                                .clear = offsetof(struct response, head)};

char *response_page_take(struct connection *connection)
{
    char *page = pool_take(&pages);
    if (page != NULL) {
        shared_hold(&connection->holder, SHARED_PAGE);
    }
    return page;
}

void response_page_give(struct connection *connection, char *page)
{
    pool_give(&pages, page);
    shared_let_go(&connection->holder, SHARED_PAGE);
}

uint8_t *response_piece_take(struct connection *connection)
{
    struct response *response = connection->response;
    if (response->piece == NULL) {
        response->piece = pool_take(&pieces);
    }
    if (response->piece != NULL) {
        shared_hold(&connection->holder, SHARED_PIECE);
    }
    return response->piece;
}

void response_piece_free(struct connection *connection)
{
    struct response *response = connection->response;
    if (response->mapped > 0) {
        (void)ts_memory_unmap(response->piece, response->mapped);
    } else if (response->piece != NULL) {
        pool_give(&pieces, response->piece);
        shared_let_go(&connection->holder, SHARED_PIECE);
    }
    response->piece = NULL;
    response->mapped = 0;
}

struct response *response_take(struct connection *connection)
{
    connection->response = pool_take(&responses);
    return connection->response;
}

void response_free(struct connection *connection)
{
    struct response *response = connection->response;
    if (response == NULL) {
        return;
    }
    response_piece_free(connection);
    if (response->page != NULL) {
        response_page_give(connection, response->page);
    }
    pool_give(&responses, response);
    connection->response = NULL;
}
