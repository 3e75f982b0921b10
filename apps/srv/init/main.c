// SPDX-License-Identifier: MIT
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include "init.h"

#define RING_SUBMISSIONS 64u
#define RING_EVENTS      256u
// What goes on for long: of each service its end, a heartbeat, and a session for it and for a
// client.
#define RING_INFLIGHT (5 * CONFIG_SERVICES)

struct init init;

struct service *service_named(const char *name, size_t length)
{
    for (uint32_t i = 0; i < init.config.service_count; i++) {
        const char *candidate = init.services[i].config->name;
        if (strlen(candidate) == length && memcmp(candidate, name, length) == 0) {
            return &init.services[i];
        }
    }
    return NULL;
}

// archive -----------------------------------------------------------------------------------

static ts_status_t open_archive(void)
{
    uint64_t size;
    void *bytes;
    init.archive_memory = ts_named_handle(TS_NAME_ARCHIVE);
    ts_status_t status = ts_get_u64(init.archive_memory, TS_PROPERTY_SIZE, &size);
    if (status == TS_OK) {
        status = ts_memory_map(init.archive_memory, NULL, size, 0, TS_MAP_READ, &bytes);
    }
    if (status != TS_OK) {
        return status;
    }
    init.archive_bytes = bytes;
    status = ts_archive_open(&init.archive, bytes, size);
    broker_init();
    return status != TS_OK ? status : tree_init();
}

static ts_status_t read_boot(void)
{
    void *memory;
    ts_handle_t boot = ts_named_handle(TS_NAME_BOOT);
    ts_status_t status = ts_memory_map(boot, NULL, TS_PAGE_SIZE, 0, TS_MAP_READ, &memory);
    if (status != TS_OK) {
        return status;
    }
    init.boot = memory;
    return init.boot->version == TS_BOOT_INFORMATION_VERSION ? TS_OK : TS_ERR_VERSION;
}

// configuration -----------------------------------------------------------------------------

static void report_config(void *context, unsigned line, const char *text)
{
    (void)context;
    ts_log("/etc/init.conf:%u: %s", line, text);
}

static void load_config(void)
{
    static char text[CONFIG_BYTES + 1];
    const unsigned char *bytes;
    uint64_t size;
    ts_status_t status = tree_bytes("etc/init.conf", &bytes, &size);
    if (status == TS_OK && size > CONFIG_BYTES) {
        status = TS_ERR_TOO_LARGE;
    }
    if (status != TS_OK) {
        ts_log("/etc/init.conf: %s", ts_status_name(status));
        return;
    }
    memcpy(text, bytes, size);
    init.config.report = report_config;
    config_parse(&init.config, text, size);
}

// Cuts a line into words at blanks, in place. What is beyond the last of them is nothing.
static uint32_t split(char *line, const char **words, uint32_t most)
{
    uint32_t count = 0;
    while (count < most) {
        while (*line == ' ') {
            *line++ = '\0';
        }
        if (!*line) {
            break;
        }
        words[count++] = line;
        while (*line && *line != ' ') {
            line++;
        }
    }
    *line = '\0';
    return count;
}

static struct config_service *find_console(void)
{
    for (uint32_t i = 0; i < init.config.service_count; i++) {
        if (init.config.services[i].console) {
            return &init.config.services[i];
        }
    }
    return NULL;
}

// exec=NAME words… at the end of the kernel's command line: that program takes the console's place.
static void apply_command_line(void)
{
    static char line[sizeof(init.boot->command_line) + 1], path[64];
    memcpy(line, init.boot->command_line, sizeof(init.boot->command_line));
    char *word = strstr(line, "exec=");
    struct config_service *console = find_console();
    if (word == NULL || (word != line && word[-1] != ' ') || console == NULL) {
        return;
    }
    uint32_t count = split(word + 5, console->arguments, CONFIG_WORDS);
    console->arguments[count] = NULL;
    const char *name = count > 0 ? console->arguments[0] : "";
    ts_format(path, sizeof(path), "%s%s", name[0] == '/' ? "" : "bin/", name + (name[0] == '/'));
    console->program = path;
    console->restart = CONFIG_RESTART_NEVER;
    console->start = CONFIG_START_BOOT;
    init.execute = true;
}

static void start_services(void)
{
    for (uint32_t i = 0; i < init.config.service_count; i++) {
        service_init(&init.services[i], &init.config.services[i]);
    }
    for (uint32_t i = 0; i < init.config.service_count; i++) {
        const struct config_service *config = &init.config.services[i];
        if (config->start == CONFIG_START_BOOT && !config->broken) {
            (void)service_start(&init.services[i]);
        }
    }
}

static ts_status_t begin(void)
{
    static const struct ts_server_limits limits = {
        .requests = INIT_REQUESTS, .objects = INIT_OBJECTS, .inbox_bytes = 256};
    ts_status_t status = ts_loop_init(&init.loop, RING_SUBMISSIONS, RING_EVENTS, RING_INFLIGHT);
    if (status == TS_OK) {
        status = ts_server_init(&init.server, &init.loop, &limits);
    }
    if (status == TS_OK) {
        status = read_boot();
    }
    if (status == TS_OK) {
        status = open_archive();
    }
    return status;
}

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    ts_status_t status = begin();
    if (status == TS_OK) {
        load_config();
        apply_command_line();
        start_services();
        init.loop.idle = service_advance_all;
        status = ts_loop_run(&init.loop);
    }
    ts_log("cannot go on: %s", ts_status_name(status));
    return 1;
}
