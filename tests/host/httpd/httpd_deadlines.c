// SPDX-License-Identifier: MIT
// 3,000 heads that do not end: each gets its 408 ten seconds after its first byte, to the
// nanosecond, whether further bytes come or not; and its connection ends two seconds later.
#include <string.h>

#include "connection.h"
#include "httpd.h"
#include "system.h"
#include "tests/host/check.h"

#define COUNT HTTPD_CONNECTIONS

static ts_time_t begun[COUNT + 1];

static void pass_and_look(ts_time_t time, bool trickle)
{
    system_pass(time);
    for (unsigned i = 1; i <= COUNT; i++) {
        const struct system_socket *socket = &system_sockets[i];
        bool due = begun[i] != 0 && httpd.loop.now - begun[i] >= HTTPD_HEAD_S * TS_SECOND;
        CHECK_EQUAL(socket->answers, due);
        if (due) {
            CHECK(socket->status == 408 && socket->answered - begun[i] == 10 * TS_SECOND);
        }
        if (trickle && i % 3 == 0 && !due && begun[i] != 0) {
            system_send(i, "X");
        }
    }
}

int main(void)
{
    system_start();
    for (unsigned i = 1; i <= COUNT; i++) {
        CHECK_EQUAL(system_connect((uint8_t)(1 + i % 100), true), i);
        system_pass(TS_MILLISECOND);
        begun[i] = httpd.loop.now;
        system_send(i, "GET / HTTP/1.1\r\nX");
    }
    for (unsigned i = 0; i < 13; i++) {
        pass_and_look(TS_SECOND, true);
    }
    for (unsigned i = 1; i <= COUNT; i++) {
        CHECK(system_sockets[i].answers == 1);
    }
    system_pass(HTTPD_DRAIN_S * TS_SECOND);
    CHECK_EQUAL(connection_count(), 0);
    return 0;
}
