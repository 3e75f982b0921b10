// SPDX-License-Identifier: MIT
// Two clients of the stack. The hostile one takes all it can get of a kind, through sessions and
// sockets without end; it is refused, the other goes on, and what it had is back when it dies.
#include <stdlib.h>

#include <lwip/dns.h>
#include <lwip/priv/tcp_priv.h>

#include "fake.h"
#include "stream.h"
#include "wire.h"

#define HOSTILE 100u
#define HONEST  200u
#define MOST    (2 * NETD_OBJECTS)

static uint8_t none[1];
static struct ts_object *sockets[MOST], *listener;
static unsigned count;

static ts_status_t method(struct ts_object *object, uint64_t number, const void *in, size_t length)
{
    struct call call;
    return call_now(&call, object, TS_OP_CALL, number, in, length, none, sizeof(none));
}

static ts_status_t bind_to(struct ts_object *socket, uint16_t port)
{
    struct ts_net_address address = v4(0, 0, 0, 0, port);
    return method(socket, TS_NET_BIND, &address, sizeof(address));
}

static struct ts_object *open_session(void)
{
    struct call call;
    CHECK(call_now(&call, &netd.root, TS_OP_OPEN, 0, "", 0, NULL, 0) == TS_OK);
    return call.minted;
}

// A client, with a session of its own.
static void become(uint32_t client)
{
    static struct ts_object *sessions[2];
    struct ts_object **session = &sessions[client == HONEST];
    fake_client = client;
    if (*session == NULL) {
        *session = open_session();
    }
    fake_session = *session;
}

// What the web server does: a connection comes in, a request, an answer. Both ends are the honest
// client's.
static bool honest_goes_on(void)
{
    struct call accept, read, call;
    char heard[8] = "";
    become(HONEST);
    struct ts_object *client = socket_create(TS_NET_TCP);
    struct ts_net_address address = v4(127, 0, 0, 1, 80);
    if (client == NULL) {
        return false;
    }
    call_start(&accept, listener, TS_OP_ACCEPT, 0, NULL, 0, NULL, 0);
    bool good = method(client, TS_NET_CONNECT, &address, sizeof(address)) == TS_OK;
    fake_run(50);
    if (!good || !accept.done || accept.status != TS_OK) {
        call_cancel(&accept);
        object_close(client);
        return false;
    }
    call_start(&read, accept.minted, TS_OP_READ, 0, NULL, 0, heard, sizeof(heard));
    good = call_now(&call, client, TS_OP_WRITE, 0, "a page?", 7, NULL, 0) == TS_OK;
    fake_run(50);
    good = good && read.done && read.status == TS_OK && strcmp(heard, "a page?") == 0;
    call_cancel(&read);
    object_close(client);
    object_close(accept.minted);
    fake_run(200);
    return good;
}

// What a client gets of a pool of which the other has a few at the most.
static bool is_half(unsigned got, unsigned capacity)
{
    return got <= capacity / 2 + 1 && got >= capacity / 2 - 8;
}

static void close_all(void)
{
    become(HOSTILE);
    while (count > 0) {
        object_close(sockets[--count]);
    }
    fake_run(200);
}

static void make_sockets(unsigned most, const char *kind)
{
    become(HOSTILE);
    while (count < most && (sockets[count] = socket_create(kind)) != NULL) {
        count++;
    }
}

// In each of three sessions: the session does not matter.
static void test_sockets(void)
{
    struct ts_object *own, *others[2];
    become(HOSTILE);
    own = fake_session;
    make_sockets(MOST, TS_NET_UDP);
    for (unsigned i = 0; i < 2; i++) {
        others[i] = fake_session = open_session();
        while (count < MOST && (sockets[count] = socket_create(TS_NET_UDP)) != NULL) {
            count++;
        }
    }
    CHECK(is_half(count, NETD_OBJECTS));
    CHECK(honest_goes_on());
    object_close(others[0]);
    object_close(others[1]);
    fake_session = own;
    close_all();
}

// Reads that wait for ever.
static void test_requests(void)
{
    struct call *calls = calloc(NETD_REQUESTS, sizeof(*calls));
    unsigned kept = 0, refused = 0;
    make_sockets(16, TS_NET_UDP);
    for (unsigned i = 0; i < NETD_REQUESTS; i++) {
        call_start(&calls[i], sockets[i % count], TS_OP_READ, 0, NULL, 0, none, sizeof(none));
        kept += !calls[i].done;
        refused += calls[i].done && calls[i].status == TS_ERR_LIMIT;
    }
    CHECK(is_half(kept, NETD_KEPT) && kept + refused == NETD_REQUESTS);
    CHECK(bind_to(sockets[0], 0) == TS_OK); // what is answered at once is
    CHECK(honest_goes_on());
    for (unsigned i = 0; i < 8; i++) {
        call_cancel(&calls[i]);
    }
    call_start(&calls[0], sockets[0], TS_OP_READ, 0, NULL, 0, none, sizeof(none));
    CHECK(!calls[0].done); // a cancelled one makes room
    close_all();
    free(calls);
}

// Datagrams of one byte that nobody reads: each takes a buffer of its own.
static void test_unread(void)
{
    struct {
        struct ts_net_address to;
        char byte;
    } datagram = {.byte = 'x'};
    size_t before = heap_used();
    make_sockets(2000, TS_NET_UDP);
    struct ts_object *sender = sockets[0];
    for (unsigned i = 1; i < count; i++) {
        CHECK(bind_to(sockets[i], (uint16_t)(2000 + i)) == TS_OK);
        datagram.to = v4(127, 0, 0, 1, (uint16_t)(2000 + i));
        for (unsigned n = 0; n < 200; n++) {
            struct call call;
            call_start(&call, sender, TS_OP_CALL, TS_NET_SEND, &datagram, 25, none, 1);
            CHECK(call.done);
        }
        fake_run(0);
    }
    CHECK(heap_used() <= NETD_CLIENT_MEMORY / 2 + before);
    CHECK(honest_goes_on());
    close_all();
    fake_run(300000); // over TIME_WAIT
    CHECK(heap_used() == before);
}

// The answer has a line of this port.
static bool is_listed(uint16_t port, ts_rights_t rights)
{
    static struct ts_net_socket lines[32];
    struct call call;
    uint32_t cookie = 0;
    fake_rights = rights;
    ts_status_t status =
        call_now(&call, fake_session, TS_OP_CALL, TS_NET_SOCKETS, &cookie, 4, lines, sizeof(lines));
    fake_rights = TS_RIGHTS_ALL;
    CHECK(status == TS_OK);
    for (uint32_t i = 0; i < (uint32_t)call.value / sizeof(lines[0]); i++) {
        if (lines[i].local.port == port) {
            return true;
        }
    }
    return false;
}

static void test_list(void)
{
    make_sockets(2, TS_NET_UDP);
    CHECK(bind_to(sockets[0], 999) == TS_OK);
    CHECK(is_listed(999, TS_RIGHT_CALL) && !is_listed(80, TS_RIGHT_CALL));
    CHECK(is_listed(80, TS_RIGHT_CALL | TS_RIGHT_MANAGE));
    become(HONEST);
    CHECK(is_listed(80, TS_RIGHT_CALL) && !is_listed(999, TS_RIGHT_CALL));
    close_all();
}

// Connections that nobody accepts and nobody reads from, both ends of one client.
static void test_connections(void)
{
    static struct call connects[MOST];
    uint32_t backlog = TS_NET_BACKLOG_MAX;
    struct ts_net_address address = v4(127, 0, 0, 1, 7000);
    size_t before = heap_used();
    make_sockets(MOST, TS_NET_TCP);
    for (unsigned i = 0; i < count; i++) {
        if (i % 64 == 0) {
            address.port = (uint16_t)(7000 + i / 64);
            CHECK(bind_to(sockets[i], address.port) == TS_OK);
            if (method(sockets[i], TS_NET_LISTEN, &backlog, 4) != TS_OK) {
                break;
            }
        } else {
            call_nowait(&connects[i], sockets[i], TS_OP_CALL, TS_NET_CONNECT, &address,
                        sizeof(address), none, 1);
            CHECK(connects[i].done);
        }
        if (i % 64 == 63) {
            fake_run(50);
        }
    }
    CHECK(heap_used() <= NETD_CLIENT_MEMORY / 2 + before + (1u << 20));
    CHECK(honest_goes_on());
    close_all();
    fake_run(300000);
    CHECK(heap_used() == before && tcp_active_pcbs == NULL && tcp_tw_pcbs == NULL);
}

struct question {
    struct ts_net_resolve head;
    char name[16];
};

static void ask(struct call *call, struct question *question, const char *whose, unsigned number)
{
    static struct ts_net_address answer;
    *question = (struct question){.head.family = TS_NET_FAMILY_V4};
    int length = snprintf(question->name, sizeof(question->name), "%s%u.test", whose, number);
    call_start(call, fake_session, TS_OP_CALL, TS_NET_RESOLVE, question,
               sizeof(question->head) + (size_t)length, &answer, sizeof(answer));
}

// Questions that nobody answers; those given up make room for others at once.
static void test_questions(void)
{
    static struct call calls[2 * NETD_QUESTIONS], honest;
    static struct question questions[2 * NETD_QUESTIONS], honest_question;
    for (unsigned round = 0; round < 3; round++) {
        unsigned pending = 0;
        become(HOSTILE);
        for (unsigned i = 0; i < 2 * NETD_QUESTIONS; i++) {
            ask(&calls[i], &questions[i], "bad", 1000 * round + i);
            pending += !calls[i].done;
            CHECK(!calls[i].done || calls[i].status == TS_ERR_LIMIT);
        }
        CHECK(is_half(pending, NETD_QUESTIONS));
        become(HONEST);
        ask(&honest, &honest_question, "good", round);
        CHECK(!honest.done);
        call_cancel(&honest);
        for (unsigned i = 0; i < 2 * NETD_QUESTIONS; i++) {
            call_cancel(&calls[i]);
        }
        CHECK(honest.done && honest.status == TS_ERR_CANCELLED && calls[0].done);
    }
}

int main(void)
{
    uint32_t backlog = 8;
    ip_addr_t server;
    wire_start();
    object_close(fake_session);
    IP_ADDR4(&server, 10, 0, 0, 2);
    dns_setserver(0, &server);
    become(HONEST);
    listener = socket_create(TS_NET_TCP);
    CHECK(bind_to(listener, 80) == TS_OK);
    CHECK(method(listener, TS_NET_LISTEN, &backlog, 4) == TS_OK);
    CHECK(honest_goes_on());
    fake_run(300000);
    test_list();
    test_questions();
    test_sockets();
    test_requests();
    fake_run(300000);
    test_unread();
    fake_run(300000);
    test_connections();
    return 0;
}
