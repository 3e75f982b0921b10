// SPDX-License-Identifier: MIT
// Sockets over the loopback interface: every operation of the protocol, and what goes wrong.
#include <stdlib.h>

#include <lwip/priv/tcp_priv.h>

#include "fake.h"
#include "stream.h"
#include "wire.h"

#define METHOD(call, object, method, in, out) \
    call_now(call, object, TS_OP_CALL, method, in, sizeof(*(in)), out, sizeof(*(out)))

static uint8_t none[1];

static ts_status_t connect_to(struct ts_object *socket, uint16_t port)
{
    struct call call;
    struct ts_net_address address = v4(127, 0, 0, 1, port);
    return METHOD(&call, socket, TS_NET_CONNECT, &address, none);
}

struct pair {
    struct ts_object *listener, *client, *server;
};

static struct pair make_pair(uint16_t port)
{
    struct call accept;
    struct pair pair = {.listener = listen_on(port, 8), .client = socket_create(TS_NET_TCP)};
    call_start(&accept, pair.listener, TS_OP_ACCEPT, 0, NULL, 0, NULL, 0);
    CHECK(connect_to(pair.client, port) == TS_OK);
    fake_run(10);
    CHECK(accept.done && accept.status == TS_OK);
    pair.server = accept.minted;
    return pair;
}

static void close_pair(struct pair *pair)
{
    object_close(pair->client);
    object_close(pair->server);
    object_close(pair->listener);
    fake_run(200);
}

static void test_accept(void)
{
    struct call accepts[3], call, name;
    struct ts_object *listener = listen_on(80, 4), *clients[4];
    struct ts_net_address local, peer;
    for (unsigned i = 0; i < 3; i++) {
        call_start(&accepts[i], listener, TS_OP_ACCEPT, 0, NULL, 0, NULL, 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        clients[i] = socket_create(TS_NET_TCP);
        CHECK(connect_to(clients[i], 80) == TS_OK);
    }
    fake_run(10);
    for (unsigned i = 0; i < 3; i++) { // in order, each to its own accept
        CHECK(accepts[i].done && accepts[i].status == TS_OK);
        CHECK(METHOD(&call, clients[i], TS_NET_GET_NAME, none, &local) == TS_OK);
        CHECK(METHOD(&name, accepts[i].minted, TS_NET_GET_PEER, none, &peer) == TS_OK);
        CHECK(memcmp(&local, &peer, sizeof(local)) == 0 && peer.family == TS_NET_FAMILY_V4);
    }
    CHECK((listener->signals & TS_SIGNAL_READABLE) != 0); // the fourth waits
    struct call late, gone;
    // An accept whose client has gone leaves the connection to the next one.
    memset(&gone, 0, sizeof(gone));
    call_nowait(&late, listener, TS_OP_ACCEPT, 0, NULL, 0, NULL, 0);
    CHECK(late.done && late.status == TS_OK);
    call_nowait(&gone, listener, TS_OP_ACCEPT, 0, NULL, 0, NULL, 0);
    CHECK(gone.done && gone.status == TS_ERR_AGAIN);
    fake_run(10);
    CHECK((listener->signals & TS_SIGNAL_READABLE) == 0);
    call_start(&gone, listener, TS_OP_ACCEPT, 0, NULL, 0, NULL, 0);
    call_cancel(&gone);
    CHECK(gone.done && gone.status == TS_ERR_CANCELLED);
    for (unsigned i = 0; i < 3; i++) {
        object_close(accepts[i].minted);
    }
    object_close(late.minted);
    for (unsigned i = 0; i < 4; i++) {
        object_close(clients[i]);
    }
    object_close(listener);
    fake_run(200);
}

// Random pieces in both directions at once; every byte is compared.
static void test_bytes(size_t size, unsigned seed)
{
    struct pair pair = make_pair((uint16_t)(1000 + seed));
    uint8_t *sent = malloc(size), *got = malloc(size + 1);
    size_t written = 0, read = 0;
    srand(seed);
    for (size_t i = 0; i < size; i++) {
        sent[i] = (uint8_t)rand();
    }
    struct call writer = {.done = true}, reader = {.done = true};
    unsigned rounds = 0;
    for (; read < size && rounds < 100000; rounds++) {
        if (writer.done && written < size) {
            size_t length = 1 + (size_t)rand() % 90000;
            length = length < size - written ? length : size - written;
            call_start(&writer, pair.client, TS_OP_WRITE, 0, sent + written, length, NULL, 0);
        }
        if (writer.done && writer.request.op == TS_OP_WRITE) {
            CHECK(writer.status == TS_OK);
            written += writer.value;
            writer.request.op = 0;
        }
        if (reader.done) {
            size_t room = 1 + (size_t)rand() % 20000;
            room = room < size - read ? room : size - read;
            call_start(&reader, pair.server, TS_OP_READ, 0, NULL, 0, got + read, room);
        }
        fake_run(rounds % 4 == 3 ? 20 : 0);
        if (writer.done && writer.request.op == TS_OP_WRITE) {
            CHECK(writer.status == TS_OK);
            written += writer.value;
            writer.request.op = 0;
        }
        if (reader.done) {
            CHECK(reader.status == TS_OK && reader.value > 0);
            read += reader.value;
        }
    }
    CHECK(read == size && memcmp(sent, got, size) == 0);
    free(sent);
    free(got);
    close_pair(&pair);
}

static void test_ends(void)
{
    struct call call;
    uint8_t buffer[64];
    uint32_t side = TS_NET_SHUT_WRITE, peek = TS_NET_RECEIVE_PEEK;
    struct pair pair = make_pair(82);
    call_nowait(&call, pair.server, TS_OP_READ, 0, NULL, 0, buffer, 64);
    CHECK(call.done && call.status == TS_ERR_AGAIN);
    CHECK(call_now(&call, pair.client, TS_OP_WRITE, 0, "hello", 5, NULL, 0) == TS_OK);
    fake_run(10);
    CHECK((pair.server->signals & TS_SIGNAL_READABLE) != 0);
    // A reply that fails leaves the bytes for the next read.
    struct call lost = {0};
    call_start(&lost, pair.client, TS_OP_READ, 0, NULL, 0, buffer, 64);
    lost.gone = true;
    CHECK(call_now(&call, pair.server, TS_OP_WRITE, 0, "again", 5, NULL, 0) == TS_OK);
    fake_run(10);
    CHECK(lost.done);
    CHECK(call_now(&call, pair.client, TS_OP_READ, 0, NULL, 0, buffer, 64) == TS_OK);
    CHECK(call.value == 5 && memcmp(buffer, "again", 5) == 0);
    // Peek, then read.
    CHECK(call_now(&call, pair.server, TS_OP_CALL, TS_NET_RECEIVE, &peek, 4, buffer, 64) == TS_OK);
    CHECK(call.value == 37 && memcmp(buffer + 32, "hello", 5) == 0);
    CHECK(call_now(&call, pair.server, TS_OP_READ, 0, NULL, 0, buffer, 2) == TS_OK);
    CHECK(call.value == 2 && memcmp(buffer, "he", 2) == 0);
    CHECK(call_now(&call, pair.server, TS_OP_READ, 0, NULL, 0, buffer, 64) == TS_OK);
    CHECK(call.value == 3 && memcmp(buffer, "llo", 3) == 0);
    // Half closed: the end arrives, the other direction goes on.
    CHECK(METHOD(&call, pair.client, TS_NET_SHUTDOWN, &side, none) == TS_OK);
    CHECK(call_now(&call, pair.server, TS_OP_READ, 0, NULL, 0, buffer, 64) == TS_OK);
    CHECK(call.value == 0);
    CHECK((pair.server->signals & TS_NET_SIGNAL_PEER_END) != 0);
    CHECK(call_now(&call, pair.client, TS_OP_WRITE, 0, "x", 1, NULL, 0) == TS_ERR_PEER_CLOSED);
    CHECK(call_now(&call, pair.server, TS_OP_WRITE, 0, "bye", 3, NULL, 0) == TS_OK);
    CHECK(call_now(&call, pair.client, TS_OP_READ, 0, NULL, 0, buffer, 64) == TS_OK);
    CHECK(call.value == 3 && memcmp(buffer, "bye", 3) == 0);
    close_pair(&pair);
}

static void test_closing(void)
{
    struct call call;
    static uint8_t bulk[200000], got[200000];
    // What was written before the last handle closed still arrives, then the end.
    struct pair pair = make_pair(83);
    memset(bulk, 7, sizeof(bulk));
    CHECK(call_now(&call, pair.client, TS_OP_WRITE, 0, bulk, sizeof(bulk), NULL, 0) == TS_OK);
    CHECK(call.value == sizeof(bulk));
    object_close(pair.client);
    size_t read = 0;
    while (call_now(&call, pair.server, TS_OP_READ, 0, NULL, 0, got + read, sizeof(got) - read) ==
               TS_OK &&
           call.value > 0) {
        read += call.value;
    }
    CHECK(call.status == TS_OK && read == sizeof(bulk) && memcmp(bulk, got, read) == 0);
    object_close(pair.server);
    object_close(pair.listener);
    fake_run(200);

    // Unread bytes make it a reset, which fails what the other side waits for.
    pair = make_pair(84);
    struct call waiting;
    CHECK(call_now(&call, pair.client, TS_OP_WRITE, 0, "unread", 6, NULL, 0) == TS_OK);
    call_start(&waiting, pair.client, TS_OP_READ, 0, NULL, 0, got, 10);
    fake_run(10);
    object_close(pair.server);
    fake_run(10);
    CHECK(waiting.done && waiting.status == TS_ERR_RESET);
    CHECK((pair.client->signals & TS_SIGNAL_CLOSED) != 0);
    CHECK(call_now(&call, pair.client, TS_OP_READ, 0, NULL, 0, got, 10) == TS_OK);
    CHECK(call.value == 0);
    CHECK(call_now(&call, pair.client, TS_OP_WRITE, 0, "x", 1, NULL, 0) == TS_ERR_PEER_CLOSED);
    object_close(pair.client);
    object_close(pair.listener);

    // LINGER 0 resets at once.
    pair = make_pair(85);
    struct ts_net_option option = {.name = TS_NET_OPTION_LINGER, .value = 0};
    CHECK(METHOD(&call, pair.client, TS_NET_SET_OPTION, &option, none) == TS_OK);
    object_close(pair.client);
    CHECK(call_now(&call, pair.server, TS_OP_READ, 0, NULL, 0, got, 10) == TS_ERR_RESET);
    object_close(pair.server);
    object_close(pair.listener);
}

// A peer that does not read: writes wait, cancelled ones tell how much went, others are served.
static void test_slow_peer(void)
{
    struct call writes[4], call;
    static uint8_t bulk[1000000];
    struct pair pair = make_pair(86);
    for (unsigned i = 0; i < 4; i++) {
        call_start(&writes[i], pair.client, TS_OP_WRITE, 0, bulk, sizeof(bulk), NULL, 0);
    }
    fake_run(2000);
    CHECK(!writes[0].done && !writes[3].done);
    CHECK((pair.client->signals & TS_SIGNAL_WRITABLE) == 0);
    call_nowait(&call, pair.client, TS_OP_WRITE, 0, bulk, 10, NULL, 0);
    CHECK(call.done && call.status == TS_ERR_AGAIN);
    call_cancel(&writes[3]);
    CHECK(writes[3].done && writes[3].status == TS_ERR_CANCELLED);
    call_cancel(&writes[0]);
    CHECK(writes[0].done && writes[0].status == TS_OK);
    CHECK(writes[0].value > 100000 && writes[0].value < sizeof(bulk));
    struct pair other = make_pair(87);
    uint8_t buffer[16];
    CHECK(call_now(&call, other.client, TS_OP_WRITE, 0, "quick", 5, NULL, 0) == TS_OK);
    CHECK(call_now(&call, other.server, TS_OP_READ, 0, NULL, 0, buffer, 16) == TS_OK);
    close_pair(&other);
    object_close(pair.client); // with writes still open: they are answered
    CHECK(writes[1].done && writes[2].done);
    object_close(pair.server);
    object_close(pair.listener);
    fake_run(5000);
}

static void test_refusals(void)
{
    struct call call;
    struct ts_object *socket = socket_create(TS_NET_TCP);
    struct ts_net_address address = v4(127, 0, 0, 1, 9), bad = {.family = 5};
    struct ts_net_option option = {.name = 99};
    uint32_t word = 0;
    uint8_t buffer[64];
    CHECK(connect_to(socket, 9) == TS_ERR_REFUSED);
    object_close(socket);
    socket = socket_create(TS_NET_TCP);
    CHECK(METHOD(&call, socket, TS_NET_BIND, &bad, none) == TS_ERR_ARGUMENT);
    bad = (struct ts_net_address){.family = TS_NET_FAMILY_V6, .address = {[15] = 1}};
    CHECK(METHOD(&call, socket, TS_NET_BIND, &bad, none) == TS_ERR_ADDRESS);
    bad = v4(10, 99, 99, 99, 80); // not ours
    CHECK(METHOD(&call, socket, TS_NET_BIND, &word, none) == TS_ERR_ARGUMENT);
    CHECK(METHOD(&call, socket, TS_NET_LISTEN, &word, none) == TS_ERR_ARGUMENT);
    word = 5;
    CHECK(METHOD(&call, socket, TS_NET_LISTEN, &word, none) == TS_ERR_ARGUMENT); // not bound
    CHECK(METHOD(&call, socket, TS_NET_SHUTDOWN, &word, none) == TS_ERR_ARGUMENT);
    word = TS_NET_SHUT_WRITE;
    CHECK(METHOD(&call, socket, TS_NET_SHUTDOWN, &word, none) == TS_ERR_NOT_CONNECTED);
    CHECK(METHOD(&call, socket, TS_NET_SET_OPTION, &option, none) == TS_ERR_UNSUPPORTED);
    CHECK(METHOD(&call, socket, TS_NET_GET_PEER, none, &address) == TS_ERR_NOT_CONNECTED);
    CHECK(METHOD(&call, socket, 77, &word, none) == TS_ERR_UNSUPPORTED);
    CHECK(call_now(&call, socket, TS_OP_READ, 0, NULL, 0, buffer, 8) == TS_ERR_NOT_CONNECTED);
    CHECK(call_now(&call, socket, TS_OP_WRITE, 0, "a", 1, NULL, 0) == TS_ERR_NOT_CONNECTED);
    CHECK(call_now(&call, socket, TS_OP_ACCEPT, 0, NULL, 0, NULL, 0) == TS_ERR_ARGUMENT);
    CHECK(call_now(&call, socket, TS_OP_LIST, 0, NULL, 0, buffer, 8) == TS_ERR_UNSUPPORTED);
    object_close(socket);
    CHECK(socket_create("raw") == NULL && socket_create("") == NULL);
    CHECK(socket_create("tcptcptcptcp") == NULL);

    // An address in use, and not when it may be reused.
    struct ts_object *listener = listen_on(88, 1);
    socket = socket_create(TS_NET_TCP);
    address = v4(0, 0, 0, 0, 88);
    CHECK(METHOD(&call, socket, TS_NET_BIND, &address, none) == TS_ERR_ADDRESS_IN_USE);
    object_close(socket);
    object_close(listener);

    // A connection that nobody answers is given up, and can be cancelled before.
    socket = socket_create(TS_NET_TCP);
    struct ts_net_address far = v4(10, 1, 2, 3, 80);
    CHECK(METHOD(&call, socket, TS_NET_CONNECT, &far, none) == TS_ERR_UNREACHABLE);
    object_close(socket);
}

static void test_limits(void)
{
    static struct ts_object *sockets[NETD_OBJECTS];
    unsigned count = 0;
    for (; count < NETD_OBJECTS; count++) {
        sockets[count] = socket_create(count % 2 ? TS_NET_TCP : TS_NET_TCP6);
        if (sockets[count] == NULL) {
            break;
        }
    }
    CHECK(count == NETD_OBJECTS / 2 + 1); // all that a client can have while it is alone
    CHECK(socket_create(TS_NET_TCP) == NULL && socket_create(TS_NET_UDP) == NULL);
    while (count-- > 0) {
        object_close(sockets[count]);
    }
}

static void test_datagrams(void)
{
    struct call call, early;
    struct ts_object *a = socket_create(TS_NET_UDP), *b = socket_create(TS_NET_UDP6);
    struct ts_net_address any = {.port = 5000}, name;
    struct {
        struct ts_net_address to;
        char bytes[5];
    } datagram = {v4(127, 0, 0, 1, 5000), "hello"};
    struct {
        struct ts_net_received head;
        char bytes[16];
    } got;
    uint32_t flags = 0;
    CHECK(METHOD(&call, b, TS_NET_BIND, &any, none) == TS_OK);
    call_start(&early, b, TS_OP_CALL, TS_NET_RECEIVE, &flags, 4, &got, sizeof(got));
    CHECK(call_now(&call, a, TS_OP_CALL, TS_NET_SEND, &datagram, sizeof(datagram.to) + 5, NULL,
                   0) == TS_OK);
    CHECK(call.value == 5);
    fake_run(10);
    CHECK(early.done && early.value == 32 + 5 && got.head.length == 5);
    CHECK(got.head.from.family == TS_NET_FAMILY_V6 && got.head.from.address[12] == 127);
    // Back to where it came from; what does not fit is cut.
    struct {
        struct ts_net_address to;
        char bytes[8];
    } back = {got.head.from, "12345678"};
    CHECK(call_now(&call, b, TS_OP_CALL, TS_NET_SEND, &back, sizeof(back), NULL, 0) == TS_OK);
    fake_run(10);
    CHECK((a->signals & TS_SIGNAL_READABLE) != 0);
    CHECK(call_now(&call, a, TS_OP_CALL, TS_NET_RECEIVE, &flags, 4, &got, 32 + 3) == TS_OK);
    CHECK(call.value == 35 && got.head.length == 8 && memcmp(got.bytes, "123", 3) == 0);
    call_nowait(&call, a, TS_OP_READ, 0, NULL, 0, got.bytes, 16);
    CHECK(call.done && call.status == TS_ERR_AGAIN);
    CHECK(call_now(&call, a, TS_OP_WRITE, 0, "x", 1, NULL, 0) == TS_ERR_NOT_CONNECTED);
    CHECK(METHOD(&call, a, TS_NET_CONNECT, &datagram.to, none) == TS_OK);
    CHECK(call_now(&call, a, TS_OP_WRITE, 0, "x", 1, NULL, 0) == TS_OK);
    CHECK(METHOD(&call, a, TS_NET_GET_PEER, none, &name) == TS_OK && name.port == 5000);
    CHECK(call_now(&call, b, TS_OP_READ, 0, NULL, 0, got.bytes, 16) == TS_OK && call.value == 1);
    CHECK(call_now(&call, a, TS_OP_LIST, 0, NULL, 0, &got, 8) == TS_ERR_UNSUPPORTED);
    // A queue that nobody reads is bounded.
    for (unsigned i = 0; i < 1000; i++) {
        CHECK(call_now(&call, a, TS_OP_WRITE, 0, "flood", 5, NULL, 0) == TS_OK);
    }
    fake_run(10);
    unsigned kept = 0;
    for (;; kept++) {
        call_nowait(&call, b, TS_OP_READ, 0, NULL, 0, got.bytes, 16);
        if (call.status != TS_OK) {
            break;
        }
    }
    CHECK(kept == 256);
    object_close(a);
    object_close(b);
}

static void test_session(void)
{
    struct call call;
    struct {
        struct ts_net_resolve head;
        char name[16];
    } question = {{0, 0}, "localhost"};
    struct ts_net_address found[4];
    CHECK(call_now(&call, fake_session, TS_OP_CALL, TS_NET_RESOLVE, &question, 8 + 9, found,
                   sizeof(found)) == TS_OK);
    CHECK(call.value == 2 * sizeof(found[0]) && found[0].address[0] == 127);
    memcpy(question.name, "10.2.3.4", 8);
    CHECK(call_now(&call, fake_session, TS_OP_CALL, TS_NET_RESOLVE, &question, 8 + 8, found,
                   sizeof(found)) == TS_OK);
    CHECK(call.value == sizeof(found[0]) && found[0].address[3] == 4);
    question.head.family = TS_NET_FAMILY_V6;
    CHECK(call_now(&call, fake_session, TS_OP_CALL, TS_NET_RESOLVE, &question, 8 + 8, found,
                   sizeof(found)) == TS_ERR_NOT_FOUND);
    memcpy(question.name, "a.name", 7);
    CHECK(call_now(&call, fake_session, TS_OP_CALL, TS_NET_RESOLVE, &question, 8 + 6, found,
                   sizeof(found)) == TS_ERR_UNREACHABLE); // no server is known
    CHECK(call_now(&call, fake_session, TS_OP_CALL, TS_NET_RESOLVE, &question, 8 + 7, found,
                   sizeof(found)) == TS_ERR_ARGUMENT); // a zero byte
    CHECK(call_now(&call, fake_session, TS_OP_CALL, TS_NET_RESOLVE, &question, 3, found,
                   sizeof(found)) == TS_ERR_ARGUMENT);

    struct ts_net_interface interface;
    uint32_t index = 1;
    CHECK(METHOD(&call, fake_session, TS_NET_INTERFACE, &index, &interface) == TS_OK);
    CHECK((interface.flags & TS_NET_INTERFACE_LOOPBACK) != 0 && interface.address4[0] == 127);
    index = 3;
    CHECK(METHOD(&call, fake_session, TS_NET_INTERFACE, &index, &interface) == TS_ERR_NOT_FOUND);

    struct pair pair = make_pair(89);
    static struct ts_net_socket sockets[8];
    uint32_t cookie = 0, total = 0;
    do {
        CHECK(call_now(&call, fake_session, TS_OP_CALL, TS_NET_SOCKETS, &cookie, 4, sockets,
                       2 * sizeof(sockets[0])) == TS_OK);
        total += (uint32_t)call.value / sizeof(sockets[0]);
        cookie = ts_pair_high(call.value);
    } while (cookie != 0);
    CHECK(total >= 3);
    struct ts_net_statistics statistics;
    CHECK(call_now(&call, fake_session, TS_OP_GET, TS_NET_STATISTICS, NULL, 0, &statistics,
                   sizeof(statistics)) == TS_OK);
    CHECK(statistics.sockets == 3 && statistics.sessions == 1);
    close_pair(&pair);
}

// The state after everything is the state before: nothing is lost on any of the ways.
static void expect_nothing_left(size_t heap, uint32_t packets)
{
    fake_run(200000); // over all of TIME_WAIT
    CHECK(tcp_active_pcbs == NULL && tcp_tw_pcbs == NULL && tcp_listen_pcbs.pcbs == NULL);
    CHECK(netd.statistics.sockets == 0);
    CHECK(netd.packets.free_bytes == packets);
    if (heap_used() != heap) {
        fprintf(stderr, "heap: %zu, not %zu\n", heap_used(), heap);
    }
    CHECK(heap_used() == heap);
}

int main(void)
{
    fake_start();
    size_t heap = heap_used();
    uint32_t packets = netd.packets.free_bytes;
    test_accept();
    test_bytes(1, 1);
    test_bytes(5000, 2);
    test_bytes(3000000, 3);
    test_ends();
    test_closing();
    test_slow_peer();
    test_refusals();
    test_limits();
    test_datagrams();
    test_session();
    expect_nothing_left(heap, packets);
    return 0;
}
