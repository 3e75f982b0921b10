// SPDX-License-Identifier: MIT
// The boot configuration: what is shipped has no error; each error is told with its line and breaks
// its own service alone.
#include <string.h>
#include <tessera/abi/syscall.h>
#include <tessera/lib/clock.h>
#include "tests/host/check.h"
#include "config.h"

static struct config config;
static unsigned lines[64];
static char messages[64][200];

static void report(void *context, unsigned line, const char *text)
{
    (void)context;
    if (config.errors > 64) {
        return;
    }
    lines[config.errors - 1] = line;
    strncpy(messages[config.errors - 1], text, sizeof(messages[0]) - 1);
}

static void parse(const char *text)
{
    static char copy[CONFIG_BYTES + 1];
    size_t length = strlen(text);
    CHECK(length <= CONFIG_BYTES);
    memcpy(copy, text, length);
    memset(&config, 0, sizeof(config));
    memset(lines, 0, sizeof(lines));
    config.report = report;
    config_parse(&config, copy, length);
}

static const struct config_handle *handle_of(const char *service, const char *name)
{
    struct config_service *s = config_find(&config, service);
    for (uint32_t i = 0; s != NULL && i < s->handle_count; i++) {
        if (strcmp(s->handles[i].name, name) == 0) {
            return &s->handles[i];
        }
    }
    CHECK(!"there is such a handle");
    return NULL;
}

static void test_good(void)
{
    parse("# comment\n"
          "service disk\n program /drv/disk\n alone\n arguments -v \"two words\" # more\n"
          " priority driver\n limit pages 100 handles 20\n heartbeat 500ms\n"
          " handle io = resource io 0x3f8 8\n"
          "service web\n program /srv/web\n start demand\n restart failure\n"
          " environment A=b C=d\n handle log\n handle file = /www with read open\n"
          " handle store = service disk part/0\n handle in = session disk\n"
          " handle c = control\n handle kept = memory 3\n handle m = control with call manage\n "
          "handle job\n handle most = root-job\n handle own = job with write manage\n"
          "mount /mnt = service disk\nneeds pages 4000");
    CHECK_EQUAL(config.errors, 0);
    CHECK_EQUAL(config.pages_needed, 4000);
    CHECK_EQUAL(config.service_count, 2);
    struct config_service *disk = config_find(&config, "disk"), *web = config_find(&config, "web");
    CHECK(strcmp(disk->program, "drv/disk") == 0);
    CHECK(strcmp(disk->arguments[0], "/drv/disk") == 0);
    CHECK(strcmp(disk->arguments[2], "two words") == 0 && disk->arguments[3] == NULL);
    CHECK(disk->limits.pages == 100 && disk->limits.handles == 20 && disk->limits.threads == 0);
    CHECK(disk->heartbeat == 500 * TS_MILLISECOND && disk->serves && !web->serves);
    CHECK(disk->alone && !web->alone);
    CHECK(disk->priority == TS_PRIORITY_DRIVER && web->priority == TS_PRIORITY_NORMAL);
    CHECK(web->start == CONFIG_START_DEMAND && web->restart == CONFIG_RESTART_FAILURE);
    CHECK(strcmp(web->environment[1], "C=d") == 0 && web->environment[2] == NULL);
    const struct config_handle *h = handle_of("disk", "io");
    CHECK(h->target == CONFIG_RESOURCE && h->base == 0x3f8 && h->length == 8);
    h = handle_of("web", "file");
    CHECK(h->target == CONFIG_TREE && strcmp(h->what, "www") == 0);
    CHECK_EQUAL(h->rights, TS_RIGHT_READ | TS_RIGHT_OPEN);
    h = handle_of("web", "store");
    CHECK(h->target == CONFIG_SERVICE && h->service == 0 && strcmp(h->what, "part/0") == 0);
    h = handle_of("web", "kept");
    CHECK(h->target == CONFIG_MEMORY && h->length == 3 * TS_PAGE_SIZE);
    CHECK(handle_of("web", "in")->target == CONFIG_SESSION);
    // A service is not steered, and nobody found through it, without being allowed to.
    h = handle_of("web", "store");
    CHECK(!(h->rights & (TS_RIGHT_MANAGE | TS_RIGHT_SHARE)) && (h->rights & TS_RIGHT_CALL));
    CHECK(!(handle_of("web", "c")->rights & TS_RIGHT_MANAGE));
    CHECK(handle_of("web", "m")->rights & TS_RIGHT_MANAGE);
    // Nobody sets limits, or starts programs outside of its own, without being allowed to.
    CHECK(!(handle_of("web", "job")->rights & TS_RIGHT_MANAGE));
    CHECK(handle_of("web", "job")->rights & TS_RIGHT_WRITE);
    CHECK(!(handle_of("web", "most")->rights & (TS_RIGHT_MANAGE | TS_RIGHT_WRITE)));
    CHECK(handle_of("web", "most")->rights & TS_RIGHT_OPEN);
    CHECK_EQUAL(handle_of("web", "own")->rights, TS_RIGHT_WRITE | TS_RIGHT_MANAGE);
    CHECK(config.mount_count == 1 && strcmp(config.mounts[0].path, "mnt") == 0);
}

static void test_class(void)
{
    parse("service bus\n program /drv/bus\n"
          "service card\n program /drv/card\n class net\n each bus 8086:100e virtio-net\n"
          " handle device = each\n handle log\n"
          "service other\n program /drv/other\n class net\n"
          "service stack\n program /srv/stack\n handle nics = class net\n"
          " handle more = class net with open manage\n");
    CHECK_EQUAL(config.errors, 0);
    struct config_service *card = config_find(&config, "card");
    CHECK(config_is_of(card, "net") && !config_is_of(card, "disk"));
    CHECK(card->serves && config_find(&config, "bus")->serves);
    CHECK(config_find(&config, "other")->serves && !config_find(&config, "stack")->serves);
    CHECK(card->each == 0 && card->match_count == 2 && strcmp(card->matches[1], "virtio-net") == 0);
    const struct config_handle *h = handle_of("card", "device");
    CHECK(h->target == CONFIG_EACH && h->service == 0);
    CHECK(!(h->rights & (TS_RIGHT_MANAGE | TS_RIGHT_SHARE)));
    h = handle_of("stack", "nics");
    CHECK(h->target == CONFIG_CLASS && strcmp(h->what, "net") == 0);
    CHECK((h->rights & TS_RIGHT_OPEN) && !(h->rights & (TS_RIGHT_MANAGE | TS_RIGHT_SHARE)));
    CHECK_EQUAL(handle_of("stack", "more")->rights, TS_RIGHT_OPEN | TS_RIGHT_MANAGE);
}

// One error, in that line, with that word in its message; `good` still starts.
static void expect(const char *text, unsigned line, const char *word)
{
    static char whole[4096];
    snprintf(whole, sizeof(whole), "service good\n program /srv/good\n%s", text);
    parse(whole);
    if (config.errors != 1 || lines[0] != line + 2 || strstr(messages[0], word) == NULL) {
        fprintf(stderr, "%s: %u errors, line %u: %s\n", text, config.errors, lines[0], messages[0]);
        exit(1);
    }
    CHECK(!config_find(&config, "good")->broken);
    for (uint32_t i = 1; i < config.service_count; i++) {
        CHECK(config.services[i].broken);
    }
}

static void test_errors(void)
{
    expect("service x\n", 1, "no program");
    expect("service x\n program srv/x\n program /x\n", 2, "program");
    expect("service x\n program /x\n program /y\n", 3, "duplicate program");
    expect("service good\n", 1, "already");
    expect("service Big\n", 1, "service NAME");
    expect("service\n", 1, "service NAME");
    expect("service x\n program /x\n handle log\n handle log\n", 4, "already");
    expect("service x\n program /x\n handle a = nonsense\n", 3, "unknown target");
    expect("service x\n program /x\n handle a =\n", 3, "missing target");
    expect("service x\n program /x\n handle\n", 3, "name");
    expect("service x\n program /x\n handle a = service none\n", 3, "unknown service none");
    expect("service x\n program /x\n handle a = /p with fly\n", 3, "right");
    expect("service x\n program /x\n handle a = /p with\n", 3, "rights");
    expect("service x\n program /x\n handle a = /p read\n", 3, "too many");
    expect("service x\n program /x\n handle a = resource io 1\n", 3, "BASE LENGTH");
    expect("service x\n program /x\n handle a = resource air\n", 3, "resource");
    expect("service x\n program /x\n handle a = memory\n", 3, "pages");
    expect("service x\n program /x\n handle a = memory 0\n", 3, "pages");
    expect("service x\n program /x\n handle a = memory 70000\n", 3, "pages");
    expect("service x\n program /x\n heartbeat soon\n", 3, "TIME");
    expect("service x\n program /x\n heartbeat 0s\n", 3, "TIME");
    expect("service x\n program /x\n limit pages many\n", 3, "number");
    expect("service x\n program /x\n limit pages\n", 3, "limit");
    expect("service x\n program /x\n start later\n", 3, "boot");
    expect("service x\n program /x\n arguments \"open\n", 3, "quote");
    expect("service x\n program /x\n fly\n", 3, "unknown statement");
    expect("service x\n program /x\n alone now\n", 3, "unknown statement");
    expect("service x\n program /x\n handle me = service x\n", 3, "itself");
    expect("service x\n program /x\n class\n", 3, "class NAME");
    expect("service x\n program /x\n class a\n class b\n", 4, "duplicate class");
    expect("service x\n program /x\n each good\n", 3, "each SERVICE MATCH");
    expect("service x\n program /x\n each good a\n each good b\n", 4, "duplicate each");
    expect("service x\n program /x\n each none a\n", 1, "unknown service none");
    expect("service x\n program /x\n each x a\n", 1, "service x runs for each");
    expect("service x\n program /x\n each good a\n start demand\n", 1, "start demand");
    expect("service x\n program /x\n each good a\n console\n", 1, "console");
    expect("service x\n program /x\n each good 123456789-123456789-123456789-123456789-1\n", 3,
           "too long");
    expect("service a-name-of-thirty-one-characters\n program /x\n each good a\n", 3, "too long");
    expect("service x\n program /x\n handle a = each\n", 3, "no statement each");
    expect("service x\n program /x\n handle a = class\n", 3, "name of a class");
    expect("service x\n program /x\n handle a = class none\n", 3, "no service is of class none");
    expect("mount tmp = service good\n", 1, "mount");
    expect("mount /tmp = service none\n", 1, "unknown service");
    expect("mount / = service good\n", 1, "mount");
    expect("mount /tmp/ = service good\n", 1, "mount");
    expect("mount //tmp = service good\n", 1, "mount");
    expect("mount /a/../tmp = service good\n", 1, "mount");
    expect("mount /./tmp = service good\n", 1, "mount");
    expect("mount /a/...b = service good\nmount /a/...b = service good\n", 2, "mounted");
    expect("service x\n program /x\n handle init = log\n", 3, "reserved");
    expect("service x\n program /x\n handle process = root-job\n", 3, "reserved");
    expect("service x\n program /x\n handle clock = log\n", 3, "reserved");
}

static void test_cycle(void)
{
    parse("service a\n program /a\n handle x = service b\n"
          "service b\n program /b\n handle x = session c\n"
          "service c\n program /c\n handle x = service a\n"
          "service d\n program /d\n handle x = service a\n");
    CHECK_EQUAL(config.errors, 1);
    CHECK_EQUAL(lines[0], 9);
    CHECK(config_find(&config, "c")->broken && !config_find(&config, "d")->broken);
}

// By way of a class, and of what has the things; a kind is not used by its name.
static void test_cycle_of_class(void)
{
    parse("service bus\n program /a\n handle x = class net\n"
          "service card\n program /b\n class net\n each bus a\n");
    CHECK_EQUAL(config.errors, 1);
    CHECK(strstr(messages[0], "itself") != NULL && config_find(&config, "card")->broken);
    parse("service bus\n program /a\n"
          "service card\n program /b\n each bus a\n"
          "service user\n program /c\n handle x = service card\n");
    CHECK_EQUAL(config.errors, 1);
    CHECK_EQUAL(lines[0], 8);
    CHECK(config_find(&config, "user")->broken && !config_find(&config, "card")->broken);
}

static void test_many(void)
{
    static char text[CONFIG_BYTES];
    size_t length = 0;
    for (unsigned i = 0; i <= CONFIG_SERVICES; i++) {
        length += (size_t)sprintf(text + length, "service s%u\n program /p\n", i);
    }
    parse(text);
    CHECK_EQUAL(config.service_count, CONFIG_SERVICES);
    CHECK(config.errors >= 1);
    length = (size_t)sprintf(text, "service s\n program /p\n");
    for (unsigned i = 0; i <= CONFIG_HANDLES; i++) {
        length += (size_t)sprintf(text + length, " handle h%u = log\n", i);
    }
    parse(text);
    CHECK_EQUAL(config.errors, 1);
    length = (size_t)sprintf(text, "service s\n arguments");
    for (unsigned i = 0; i < 100; i++) {
        length += (size_t)sprintf(text + length, " a");
    }
    parse(text);
    CHECK(config.errors >= 1);
}

static void test_shipped(void)
{
    static char text[CONFIG_BYTES];
    FILE *file = fopen(INIT_CONF, "r");
    CHECK(file);
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = '\0';
    parse(text);
    if (config.errors > 0) {
        fprintf(stderr, "line %u: %s\n", lines[0], messages[0]);
    }
    CHECK_EQUAL(config.errors, 0);
    CHECK(config.service_count >= 5);
}

static void test_noise(void)
{
    static const char alphabet[] = "service program handle = with\n\n \"#/abc0123456789xs\t";
    uint64_t state = 11;
    for (int round = 0; round < 20000; round++) {
        char text[300];
        size_t length = check_random(&state) % (sizeof(text) - 1);
        for (size_t i = 0; i < length; i++) {
            text[i] = alphabet[check_random(&state) % (sizeof(alphabet) - 1)];
        }
        text[length] = '\0';
        parse(text);
    }
}

int main(void)
{
    test_good();
    test_class();
    test_errors();
    test_cycle();
    test_cycle_of_class();
    test_many();
    test_shipped();
    test_noise();
    return 0;
}
