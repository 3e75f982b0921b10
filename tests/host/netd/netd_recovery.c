// SPDX-License-Identifier: MIT
// Loss is found and mended: a file goes over simulated lines (line.h), and what was sent again, how
// often and how soon is counted. A round trip is 20 ms where nothing else is said.
#include "line.h"
#include "wire.h"

static struct ts_object *listener;

static struct ts_object *listen_on(uint16_t port)
{
    struct call call;
    uint32_t backlog = 4;
    struct ts_object *made = socket_create(TS_NET_TCP);
    struct ts_net_address address = {.port = port};
    CHECK(call_now(&call, made, TS_OP_CALL, TS_NET_BIND, &address, sizeof(address), NULL, 0) ==
          TS_OK);
    CHECK(call_now(&call, made, TS_OP_CALL, TS_NET_LISTEN, &backlog, 4, NULL, 0) == TS_OK);
    return made;
}

static struct line_result run(const char *name, struct line line)
{
    struct line_result r = line_transfer(listener, &line);
    printf("# %s: %u ms, gap %u, %u segments, %u again, %u twice, %u lost\n", name, r.ms, r.gap,
           r.segments, r.again, r.twice, r.lost);
    CHECK(r.whole);
    return r;
}

int main(void)
{
    wire_start();
    listener = listen_on(80);
    run("clean", (struct line){.size = 1 << 20, .delay = 10});
    run("1%", (struct line){.size = 4 << 20, .delay = 10, .loss = 10, .seed = 1});
    run("5%", (struct line){.size = 4 << 20, .delay = 10, .loss = 50, .seed = 1});
    run("5% plain",
        (struct line){.size = 1 << 20, .delay = 10, .loss = 50, .seed = 1, .plain = true});
    run("reorder", (struct line){.size = 4 << 20, .delay = 10, .held = 20, .hold = 10, .seed = 1});
    run("double", (struct line){.size = 4 << 20, .delay = 10, .doubled = 20, .seed = 1});
    return 0;
}
