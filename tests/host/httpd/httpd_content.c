// SPDX-License-Identifier: MIT
// Files that are not had as they should: a list beside which there is a file with a coding, and a
// large one whose server dies while there is no room in the cache to have it again.
#include <stdio.h>
#include <string.h>

#include "connection.h"
#include "httpd.h"
#include "system.h"
#include "tests/host/check.h"

static unsigned ask(uint8_t client, bool takes, const char *path, const char *more)
{
    char text[256];
    snprintf(text, sizeof(text), "GET /%s HTTP/1.1\r\nHost: test\r\n%s\r\n", path, more);
    unsigned number = system_connect(client, takes);
    system_send(number, text);
    return number;
}

static bool is_coded(const char *path)
{
    unsigned number = ask(1, true, path, "Accept-Encoding: gzip\r\n");
    CHECK(system_sockets[number].status == 200);
    return system_sockets[number].coded;
}

// "d/.gz" is a file of the directory, and not its list.
static void test_list_has_no_coding(void)
{
    CHECK(is_coded("f"));
    CHECK(!is_coded("d/"));
    CHECK(is_coded("d/.gz")); // as "d/.gz.gz"
}

static void test_no_room_to_load_again(void)
{
    char path[16];
    for (unsigned i = 1; i < CONTENT_FILES; i++) {
        snprintf(path, sizeof(path), "f%u", i);
        ask((uint8_t)(2 + i % 200), false, path, "");
    }
    system_pages = TS_ERR_PEER_CLOSED;
    unsigned large = ask(1, true, "large", "");
    CHECK(content_count() < CONTENT_FILES); // the dead one is not among them any more
    CHECK(!system_sockets[large].open);
}

int main(void)
{
    system_start();
    system_configure("listing on\ncompressed gzip\n");
    test_list_has_no_coding();
    test_no_room_to_load_again();
    return 0;
}
