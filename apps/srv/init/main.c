// SPDX-License-Identifier: MIT
// init: the first program. It serves the boot archive, starts services with exactly the handles
// that the configuration lists, gives clients sessions of them by name, and starts them again when
// they die.
//
// Each file knows only those above it:
//
//   pool            storage without a heap
//   config          what is to run
//   config_handle   its statement `handle`, and what names refer to
//   config_parse    its text
//   archive         the boot archive
//   report          what the log says when a service ended
//   init            what all share: the loop, the port on it, the services
//   service         one service: start, death, back-off
//   asking          asking a service for an object
//   broker          leading clients to services
//   name            the name of a service in a client's hands
//   class           a directory of the services of a class
//   tree_content, tree_list
//   tree            the boot archive as a file tree, with mounts
//   instance        services that run for each of some things
//   heartbeat       whether services still answer
//   settle          what a service waits for before its start
//   ready           where it hands in its root
//   power           the ordered end
//   wall            what the battery-backed clock says
//   clock           the realtime
//   control         the object that `services` talks to
//   launch          a service's handles, its process
//   main            the beginning
//
// Those that depend on a service's state (name, class, instance, settle, heartbeat, broker, power)
// are told of it by the table below.
//
// Everything runs on one loop. init calls nothing synchronously that a process serves: what it asks
// of services are async operations with deadlines. Operations on kernel objects (spawning,
// duplicating, views of the archive) complete at once and are made directly.
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include "class.h"
#include "clock.h"
#include "heartbeat.h"
#include "init.h"
#include "instance.h"
#include "launch.h"
#include "name.h"
#include "power.h"
#include "settle.h"
#include "tree.h"

#define RING_SUBMISSIONS 64u
#define RING_EVENTS      256u
// What goes on for long: of each service its end, a heartbeat, and a session for it and for a
// client.
#define RING_INFLIGHT (5 * INIT_SERVICES)

static const struct service_events *const listeners[] = {
    &name_events,      &class_events,  &instance_events, &settle_events,
    &heartbeat_events, &broker_events, &power_events,    NULL,
};

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

// ---- configuration

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
    ts_status_t status = archive_file("etc/init.conf", &bytes, &size);
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

// Where the value of a word `name=` of the line begins, or NULL.
static char *find_value(char *line, const char *name)
{
    size_t length = strlen(name);
    for (char *at = strstr(line, name); at != NULL; at = strstr(at + 1, name)) {
        if (at == line || at[-1] == ' ') {
            return at + length;
        }
    }
    return NULL;
}

// console=serial, screen or both: what belongs to the other console does not start.
static void choose_consoles(const char *value, bool execute)
{
    static const char *const names[] = {"serial", "screen", "both"};
    size_t length = value != NULL ? strcspn(value, " ") : 0;
    enum config_console only = execute ? CONFIG_ON_SERIAL : CONFIG_ON_ANY;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (length == strlen(names[i]) && memcmp(value, names[i], length) == 0) {
            only = i == 0 ? CONFIG_ON_SERIAL : i == 1 ? CONFIG_ON_SCREEN : CONFIG_ON_ANY;
        }
    }
    for (uint32_t i = 0; i < init.config.service_count; i++) {
        struct config_service *service = &init.config.services[i];
        if (only != CONFIG_ON_ANY && service->on != CONFIG_ON_ANY && service->on != only) {
            service->start = CONFIG_START_NEVER;
        }
    }
}

// A small machine does without some, so that the others serve.
static void leave_out(void)
{
    struct ts_system_statistics now;
    if (ts_system_statistics(ts_named_handle(TS_NAME_JOB), &now) != TS_OK) {
        return;
    }
    for (uint32_t i = 0; i < init.config.service_count; i++) {
        struct config_service *service = &init.config.services[i];
        if (service->pages_least > now.pages_total) {
            ts_log("%s is left out: too little memory", service->name);
            service->start = CONFIG_START_NEVER;
        }
    }
}

// The first console that is to start is left alone; the others do not start.
static struct config_service *only_console(void)
{
    struct config_service *found = NULL;
    for (uint32_t i = 0; i < init.config.service_count; i++) {
        struct config_service *service = &init.config.services[i];
        if (!service->console || service->start == CONFIG_START_NEVER) {
            continue;
        }
        if (found != NULL) {
            service->start = CONFIG_START_NEVER;
        } else {
            found = service;
        }
    }
    return found;
}

// exec=NAME words… at the end of the kernel's command line: that program takes the console's place.
static void apply_command_line(void)
{
    static char line[sizeof(init.boot->command_line) + 1], path[64];
    memcpy(line, init.boot->command_line, sizeof(init.boot->command_line));
    char *words = find_value(line, "exec="), *consoles = find_value(line, "console=");
    bool before = words == NULL || consoles < words; // else it is the program's
    choose_consoles(before ? consoles : NULL, words != NULL);
    leave_out();
    struct config_service *console = words != NULL ? only_console() : NULL;
    if (console == NULL) {
        return;
    }
    uint32_t count = split(words, console->arguments, CONFIG_WORDS);
    console->arguments[count] = NULL;
    const char *name = count > 0 ? console->arguments[0] : "";
    ts_format(path, sizeof(path), "%s%s", name[0] == '/' ? "" : "bin/", name + (name[0] == '/'));
    console->program = path;
    console->restart = CONFIG_RESTART_NEVER;
    console->start = CONFIG_START_BOOT;
    init.execute = true;
}

// What does not fit is said before it fails in its own way: a service that is ended by its
// heartbeat, or is given up.
static void compare_memory(void)
{
    struct ts_system_statistics now;
    const uint64_t pages = init.config.pages_needed, one = (1u << 20) / TS_PAGE_SIZE;
    if (ts_system_statistics(ts_named_handle(TS_NAME_JOB), &now) == TS_OK &&
        now.pages_free < pages) {
        ts_log("too little memory: %lu MiB are free, and the services need %lu: not all of them "
               "can serve; give the machine %lu MiB more",
               (unsigned long)(now.pages_free / one), (unsigned long)((pages + one - 1) / one),
               (unsigned long)((pages - now.pages_free + one - 1) / one));
    }
}

static void start_services(void)
{
    service_listen(listeners);
    for (uint32_t i = 0; i < init.config.service_count; i++) {
        service_init(&init.services[i], &init.config.services[i]);
    }
    init.service_count = init.config.service_count;
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
        status = archive_open();
    }
    return status;
}

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    ts_status_t status = begin();
    if (status == TS_OK) {
        broker_init();
        tree_init();
        load_config();
        apply_command_line();
        compare_memory();
        clock_begin();
        start_services();
        init.loop.idle = launch_all;
        status = ts_loop_run(&init.loop);
    }
    ts_log("cannot go on: %s", ts_status_name(status));
    return 1;
}
