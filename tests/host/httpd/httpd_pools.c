// SPDX-License-Identifier: MIT
// Each pool of the web server against a client that wants twice what there is: others keep what
// they had, and get what they ask for at once. docs/security/http.md has the pools.
#include <stdio.h>
#include <string.h>

#include "connection.h"
#include "httpd.h"
#include "system.h"
#include "tests/host/check.h"

#define HOSTILE 1u // client
#define OTHERS  4u

static char text[2048];

// A request of which something of the pool is held until it is answered; and what is missing of it.
struct request {
    const char *name;
    unsigned size; // of the pool
    const char *(*start)(unsigned number);
    const char *rest;
};

static const char *nothing(unsigned number)
{
    (void)number;
    return "";
}

static const char *large_head(unsigned number)
{
    (void)number;
    int length = snprintf(text, sizeof(text), "GET /f HTTP/1.1\r\nHost: test\r\nCookie: ");
    memset(text + length, 'c', 1100);
    text[length + 1100] = '\0';
    return text;
}

static const char *file(unsigned number)
{
    snprintf(text, sizeof(text), "GET /f%u HTTP/1.1\r\nHost: test\r\n\r\n", number);
    return text;
}

static const char *large_file(unsigned number)
{
    (void)number;
    return "GET /large HTTP/1.1\r\nHost: test\r\n\r\n";
}

static const char *page(unsigned number)
{
    (void)number;
    return "GET /status HTTP/1.1\r\nHost: test\r\n\r\n";
}

static const struct request requests[] = {
    {"places", HTTPD_CONNECTIONS, nothing, "GET /f HTTP/1.1\r\nHost: test\r\n\r\n"},
    {"large heads", CONNECTION_LARGE_MAX, large_head, "\r\n\r\n"},
    {"content", CONTENT_FILES, file, ""},
    {"pieces", CONNECTION_PIECE_MAX, large_file, ""},
    {"pages", 64, page, ""},
};

static unsigned begin(const struct request *request, uint8_t client, unsigned number)
{
    unsigned socket = system_connect(client, false);
    system_send(socket, request->start(number));
    return socket;
}

// Once it takes what comes, it gets all of its answer, and the server waits for the next request.
static bool is_served(const struct request *request, unsigned number)
{
    const struct system_socket *socket = &system_sockets[number];
    system_take(number);
    system_send(number, request->rest);
    return socket->open && socket->answers == 1 && socket->status == 200 &&
           socket->read.user_data != 0;
}

static void attack(const struct request *request)
{
    unsigned others[OTHERS], first = 0, last = 0, left = 0;
    for (unsigned i = 0; i < OTHERS; i++) {
        others[i] = begin(request, (uint8_t)(HOSTILE + 1 + i), i);
    }
    for (unsigned i = 0; i < 2 * request->size; i++) {
        last = begin(request, HOSTILE, OTHERS + i);
        first = i == 0 ? last : first;
    }
    for (unsigned i = first; i <= last; i++) {
        left += system_sockets[i].open;
    }
    fprintf(stderr, "%s: %u left of %u\n", request->name, left, 2 * request->size);
    CHECK(left <= request->size && left >= request->size - OTHERS);
    CHECK(!system_sockets[first].open && system_sockets[last].open); // the oldest give way
    unsigned another = begin(request, HOSTILE + 1 + OTHERS, 3 * request->size);
    CHECK(is_served(request, another));
    for (unsigned i = 0; i < OTHERS; i++) { // older than all of the hostile ones
        CHECK(is_served(request, others[i]));
    }
    CHECK(is_served(request, last)); // the one that holds most is served as well
    for (unsigned i = others[0]; i <= another; i++) {
        system_leave(i);
    }
    CHECK_EQUAL(connection_count(), 0);
}

int main(void)
{
    system_start();
    for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        attack(&requests[i]);
    }
    return 0;
}
