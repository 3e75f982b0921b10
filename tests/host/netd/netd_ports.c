// SPDX-License-Identifier: MIT
// Whose a port is: those below 1,024 take a right, and none is shared with another session.
#include "fake.h"

#define CALL_RIGHTS (TS_RIGHT_CALL | TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_OPEN)

static struct ts_object *create(struct ts_object *session, const char *kind)
{
    struct call call;
    CHECK(call_now(&call, session, TS_OP_CREATE, 0, kind, strlen(kind), NULL, 0) == TS_OK);
    return call.minted;
}

// Binds with the option REUSE_ADDRESS, as one that wants to be beside another.
static ts_status_t bind_with(struct ts_object *socket, struct ts_net_address address,
                             ts_rights_t rights)
{
    struct call call;
    struct ts_net_option reuse = {.name = TS_NET_OPTION_REUSE_ADDRESS, .value = 1};
    CHECK(call_now(&call, socket, TS_OP_CALL, TS_NET_SET_OPTION, &reuse, sizeof(reuse), NULL, 0) ==
          TS_OK);
    fake_rights = rights;
    ts_status_t status =
        call_now(&call, socket, TS_OP_CALL, TS_NET_BIND, &address, sizeof(address), NULL, 0);
    fake_rights = TS_RIGHTS_ALL;
    return status;
}

static void test_low_ports(const char *kind)
{
    struct ts_object *socket = create(fake_session, kind);
    CHECK(bind_with(socket, v4(0, 0, 0, 0, 1023), CALL_RIGHTS) == TS_ERR_RIGHTS);
    CHECK(bind_with(socket, v4(0, 0, 0, 0, 1023), CALL_RIGHTS | TS_RIGHT_SHARE) == TS_OK);
    object_close(socket);
    socket = create(fake_session, kind);
    CHECK(bind_with(socket, v4(0, 0, 0, 0, 1024), CALL_RIGHTS) == TS_OK);
    object_close(socket);
    socket = create(fake_session, kind);
    CHECK(bind_with(socket, v4(0, 0, 0, 0, 0), CALL_RIGHTS) == TS_OK); // the stack's choice
    object_close(socket);
}

static void test_one_owner(const char *kind, bool listens)
{
    struct call call;
    uint32_t backlog = 4;
    CHECK(call_now(&call, &netd.root, TS_OP_OPEN, 0, "", 0, NULL, 0) == TS_OK);
    struct ts_object *stranger = call.minted;
    struct ts_object *first = create(fake_session, kind), *own = create(fake_session, kind);
    struct ts_object *other = create(stranger, kind);
    CHECK(bind_with(first, v4(0, 0, 0, 0, 2000), TS_RIGHTS_ALL) == TS_OK);
    CHECK(bind_with(other, v4(127, 0, 0, 1, 2000), TS_RIGHTS_ALL) == TS_ERR_ADDRESS_IN_USE);
    if (listens) {
        CHECK(call_now(&call, first, TS_OP_CALL, TS_NET_LISTEN, &backlog, sizeof(backlog), NULL,
                       0) == TS_OK);
    }
    CHECK(bind_with(other, v4(127, 0, 0, 1, 2000), TS_RIGHTS_ALL) == TS_ERR_ADDRESS_IN_USE);
    CHECK(bind_with(own, v4(127, 0, 0, 1, 2000), TS_RIGHTS_ALL) == TS_OK); // the session's own
    object_close(first);
    CHECK(bind_with(other, v4(0, 0, 0, 0, 2000), TS_RIGHTS_ALL) == TS_ERR_ADDRESS_IN_USE);
    object_close(own);
    fake_run(10);
    CHECK(bind_with(other, v4(0, 0, 0, 0, 2000), TS_RIGHTS_ALL) == TS_OK);
    object_close(other);
    object_close(stranger);
}

int main(void)
{
    fake_start();
    test_low_ports(TS_NET_TCP);
    test_low_ports(TS_NET_UDP);
    test_one_owner(TS_NET_TCP, false);
    test_one_owner(TS_NET_TCP, true);
    test_one_owner(TS_NET_UDP, false);
    return 0;
}
