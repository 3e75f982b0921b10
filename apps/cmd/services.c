// SPDX-License-Identifier: MIT
#include <string.h>
#include <tessera/abi/bootstrap.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/path.h>
#include <tessera/proto/reload.h>
#include <unistd.h>
#include "command.h"
#include "system.h"

static const char *state_name(uint32_t state)
{
    switch (state) {
    case TS_INIT_STOPPED: return "stopped";
    case TS_INIT_WAITING: return "waiting";
    case TS_INIT_STARTING: return "starting";
    case TS_INIT_READY_: return "runs";
    case TS_INIT_BACK_OFF: return "back-off";
    case TS_INIT_FAILED: return "failed";
    case TS_INIT_ENDING: return "ending";
    case TS_INIT_GIVEN_UP: return "given-up";
    case TS_INIT_NO_DEVICE: return "no-device";
    default: return "?";
    }
}

// Why it does not run, or did not lately.
static const char *reason(const struct ts_init_service *s, char out[48])
{
    static const char *const reasons[] = {
        [TS_EXIT_NONE] = "",
        [TS_EXIT_STATUS] = "ended with",
        [TS_EXIT_FAULT] = "fault",
        [TS_EXIT_KILLED] = "killed",
        [TS_EXIT_LIMIT] = "over its limit",
        [TS_EXIT_DMA] = "device fault",
    };
    out[0] = '\0';
    if (s->state == TS_INIT_FAILED) {
        snprintf(out, 48, "%s", ts_status_name(s->status));
    } else if (s->state == TS_INIT_NO_DEVICE) {
        snprintf(out, 48, "not in this machine");
    } else if (s->exit_reason == TS_EXIT_STATUS) {
        snprintf(out, 48, "%s %d", reasons[TS_EXIT_STATUS], (int)s->status);
    } else if (s->exit_reason < sizeof(reasons) / sizeof(reasons[0])) {
        snprintf(out, 48, "%s", reasons[s->exit_reason]);
    }
    return out;
}

static bool show(const struct ts_init_service *s, void *context)
{
    (void)context;
    char why[48];
    uint64_t now = (uint64_t)ts_clock_now();
    bool runs = s->process_id != 0 && s->started_ns < now;
    printf("%-12s %-9s %6llu %8llu %8llu %8u %7u  %s\n", s->name, state_name(s->state),
           (unsigned long long)s->process_id,
           (unsigned long long)(runs ? (now - s->started_ns) / TS_SECOND : 0),
           (unsigned long long)s->pages * 4, s->restarts, s->sessions, reason(s, why));
    return true;
}

// The file that a service is to read, or none. False: a message was printed.
static bool open_file(const char *path, struct ts_call *call)
{
    static char name[TS_PATH_MAX + 1] = "/"; // the path from the root on
    char here[TS_PATH_MAX];
    if (path == NULL) {
        return true;
    }
    if (getcwd(here, sizeof(here)) == NULL) {
        return command_error(path) == 0;
    }
    ts_status_t status = ts_path_normalise(here, path, name + 1, sizeof(name) - 1, NULL);
    if (status == TS_OK) {
        status = ts_open(ts_named_handle(TS_NAME_FILE), name + 1, 0,
                         TS_RIGHT_READ | TS_RIGHT_TRANSFER | TS_RIGHT_OPEN, &call->in_handle[0]);
    }
    if (status != TS_OK) {
        return command_status(path, status) == 0;
    }
    call->in_handles = 1;
    call->in_address = (uintptr_t)name;
    call->in_length = strlen(name);
    return true;
}

// Has a service read its configuration again: its own file, or `path`.
static int reload(const char *name, const char *path)
{
    char message[TS_RELOAD_MESSAGE + 1] = "";
    struct ts_call call = {.out_address = (uintptr_t)message, .out_length = TS_RELOAD_MESSAGE};
    ts_handle_t service;
    uint64_t value;
    ts_status_t status = ts_open(system_control(), name, 0,
                                 TS_RIGHT_OPEN | TS_RIGHT_CALL | TS_RIGHT_MANAGE, &service);
    if (status != TS_OK) {
        return command_status(name, status);
    }
    if (!open_file(path, &call)) {
        return 1;
    }
    status = ts_call(service, TS_RELOAD, &call, TS_DEADLINE_NONE, &value);
    if (status != TS_OK && message[0]) {
        fprintf(stderr, "services: %s\n", message);
        return 1;
    }
    return status == TS_OK ? 0 : command_status(name, status);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *word;
        uint32_t method;
    } verbs[] = {
        {"start", TS_INIT_START},
        {"stop", TS_INIT_STOP},
        {"kill", TS_INIT_KILL},
        {"restart", TS_INIT_RESTART},
    };
    command_begin(
        argc, argv,
        "services | services start|stop|kill|restart NAME… | services reload NAME [FILE]\nShows "
        "init's services: state, process, seconds since its start, memory in KiB, "
        "restarts,\nsessions; or controls them. After `kill` init restarts a service as after its "
        "death.\n`reload` makes a service read its configuration again, or FILE instead.\n");
    if (argc == 1) {
        printf("%-12s %-9s %6s %8s %8s %8s %7s\n", "SERVICE", "STATE", "ID", "SECONDS", "KIB",
               "RESTARTS", "CLIENTS");
        ts_status_t status = system_services(show, NULL);
        return command_end(status == TS_OK ? 0 : command_status("init", status));
    }
    for (size_t v = 0; v < sizeof(verbs) / sizeof(verbs[0]) && argc > 2; v++) {
        if (!strcmp(argv[1], verbs[v].word)) {
            int status = 0;
            for (int i = 2; i < argc; i++) {
                status |= system_steer(verbs[v].method, argv[i]);
            }
            return status;
        }
    }
    if ((argc == 3 || argc == 4) && !strcmp(argv[1], "reload")) {
        return reload(argv[2], argv[3]);
    }
    command_usage();
}
