// SPDX-License-Identifier: MIT
// heads COUNT: connects so often to this machine's web server, over the loopback, and begins a head
// on each connection that it does not end. Says what the answers were and how far from the ten
// seconds that a head has the first and the last of them came. Built by the tests with the SDK.
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/loop.h>
#include <tessera/lib/op.h>
#include <tessera/proto/net.h>
#include <tessera/ring/prepare.h>

#define MOST   3000u
#define HEAD_S 10
#define RIGHTS (TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_CALL)

static struct client {
    struct ts_async read;
    ts_handle_t socket;
    ts_time_t sent, answered;
    char answer[12];
    char rest[500];
} clients[MOST];

static struct ts_loop loop;
static ts_handle_t session;
static unsigned count, timeouts, others, ended;

static void read_more(struct client *client, void *to, uint32_t length);

static void on_read(struct ts_async *async, const struct ts_event *event)
{
    struct client *client = (struct client *)async; // its first member
    if (event->status != TS_OK || event->value == 0) {
        ts_close(client->socket);
        if (client->answered == 0) {
            others++;
        }
        if (++ended == count) {
            ts_loop_stop(&loop);
        }
        return;
    }
    if (client->answered == 0) {
        bool timeout = event->value == sizeof(client->answer) &&
                       memcmp(client->answer, "HTTP/1.1 408", sizeof(client->answer)) == 0;
        timeouts += timeout;
        others += !timeout;
        client->answered = ts_clock_now();
    }
    read_more(client, client->rest, sizeof(client->rest));
}

static void read_more(struct client *client, void *to, uint32_t length)
{
    client->read.done = on_read;
    struct ts_submission *slot = ts_loop_begin(&loop, &client->read);
    if (slot == NULL) {
        puts("heads: the ring is full");
        exit(1);
    }
    ts_prepare_read(slot, client->socket, to, length, 0, TS_DEADLINE_NONE,
                    ts_async_data(&client->read));
}

static ts_status_t begin(struct client *client)
{
    static const char part[] = "GET / HTTP/1.1\r\nHost: test\r\n";
    struct ts_net_address server = {
        .family = TS_NET_FAMILY_V4, .port = 80, .address = {127, 0, 0, 1}};
    ts_status_t status = ts_create(session, TS_NET_TCP, 0, 0, RIGHTS, &client->socket);
    if (status == TS_OK) {
        status =
            ts_call_bytes(client->socket, TS_NET_CONNECT, &server, sizeof(server), NULL, 0, NULL);
    }
    if (status == TS_OK) {
        status = ts_write_all_current(client->socket, part, sizeof(part) - 1);
    }
    client->sent = ts_clock_now();
    if (status == TS_OK) {
        read_more(client, client->answer, sizeof(client->answer));
    }
    return status;
}

static long late(const struct client *client) // milliseconds after it is due
{
    return (client->answered - client->sent) / TS_MILLISECOND - HEAD_S * 1000;
}

int main(int argc, char **argv)
{
    unsigned wanted = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    ts_status_t status = ts_loop_init(&loop, 256, 4096, 4096);
    if (status == TS_OK) {
        status = ts_open(ts_named_handle(TS_NAME_NET), "", 0, TS_RIGHTS_SAME, &session);
    }
    for (; status == TS_OK && count < wanted && count < MOST; count++) {
        status = begin(&clients[count]);
    }
    if (status != TS_OK) {
        printf("heads: connection %u: %s\n", count, ts_status_name(status));
        return 1;
    }
    printf("heads: %u in %lu ms\n", count,
           (unsigned long)((clients[count - 1].sent - clients[0].sent) / TS_MILLISECOND));
    fflush(stdout);
    status = ts_loop_run(&loop);
    long first = LONG_MAX, last = LONG_MIN;
    for (unsigned i = 0; i < count; i++) {
        if (clients[i].answered == 0) {
            continue; // among the others
        }
        long of_this = late(&clients[i]);
        first = of_this < first ? of_this : first;
        last = of_this > last ? of_this : last;
    }
    printf("heads: %u times 408, %u others, %ld to %ld ms late\n", timeouts, others, first, last);
    return status != TS_OK;
}
