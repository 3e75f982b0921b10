// SPDX-License-Identifier: MIT
// spy: tries what a program from the shell is not to do, with all that it can reach, and prints one
// line for each: what, and what came of it. Built by the tests with the SDK, added to their image.
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/op.h>
#include <tessera/lib/process.h>
#include <tessera/lib/status.h>
#include <tessera/proto/init.h>
#include <tessera/proto/net.h>
#include <tessera/proto/reload.h>
#include <unistd.h>

static void tell(const char *what, ts_status_t status)
{
    printf("%s: %s\n", what, ts_status_name(status));
}

static void steer(void)
{
    static const struct {
        const char *what;
        uint32_t method;
    } methods[] = {{"start", TS_INIT_START},   {"stop", TS_INIT_STOP},
                   {"kill", TS_INIT_KILL},     {"restart", TS_INIT_RESTART},
                   {"reboot", TS_INIT_REBOOT}, {"set the clock", TS_INIT_CLOCK_SET}};
    static const char *const services[] = {"pci", "serial", "ps2", "virtio-net:0", "netd"};
    ts_handle_t control = ts_named_handle(TS_NAME_CONTROL), session;
    char text[64];
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        tell(methods[i].what,
             ts_call_bytes(control, methods[i].method, "virtio-blk", 10, NULL, 0, NULL));
    }
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        snprintf(text, sizeof(text), "open %s", services[i]);
        tell(text, ts_open(control, services[i], 0, TS_RIGHTS_SAME, &session));
    }
}

// Another's process: init's own.
static void reach(void)
{
    ts_handle_t system = ts_named_handle("system"), process = TS_HANDLE_NONE;
    struct ts_process_memory range = {TS_USER_BASE, 8};
    struct ts_job_limits limits = {.threads = 1};
    char bytes[8];
    tell("process 1", ts_open(system, "1", 0, TS_RIGHTS_SAME, &process));
    tell("its memory", ts_call_bytes(process, TS_PROCESS_READ, &range, sizeof(range), bytes,
                                     sizeof(bytes), NULL));
    tell("its end", ts_process_kill(process));
    tell("all processes' end", ts_job_kill(system));
    tell("all processes' limits", ts_set(system, TS_PROPERTY_JOB_LIMITS, &limits, sizeof(limits)));
}

static void configure(void)
{
    struct ts_net_configuration configuration = {0};
    ts_handle_t session = TS_HANDLE_NONE;
    ts_status_t status = ts_open(ts_named_handle(TS_NAME_NET), "", 0, TS_RIGHTS_SAME, &session);
    tell("configure", status ? status
                             : ts_call_bytes(session, TS_NET_CONFIGURE, &configuration,
                                             sizeof(configuration), NULL, 0, NULL));
}

static void use_log(void)
{
    static const char line[] = "from outside\n";
    ts_handle_t log = ts_named_handle(TS_NAME_LOG);
    char text[64];
    size_t bytes;
    tell("read the log", ts_read(log, text, sizeof(text), 0, TS_DEADLINE_NONE, &bytes));
    tell("write to the log", ts_write_all_current(log, line, sizeof(line) - 1));
}

// The web server's directory is in everybody's tree.
static void reload(void)
{
    ts_handle_t session = TS_HANDLE_NONE;
    ts_status_t status =
        ts_open(ts_named_handle(TS_NAME_FILE), "httpd", 0, TS_RIGHTS_SAME, &session);
    tell("reload httpd",
         status ? status : ts_call_bytes(session, TS_RELOAD, NULL, 0, NULL, 0, NULL));
}

static void listen_at(const char *what, int type, uint32_t address, uint16_t port)
{
    int one = 1, fd = socket(AF_INET, type, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(address);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    int failed = bind(fd, (struct sockaddr *)&at, sizeof(at));
    printf("%s: %s\n", what, failed ? strerror(errno) : "OK");
    close(fd);
}

int main(void)
{
    steer();
    reach();
    configure();
    use_log();
    reload();
    listen_at("bind 80", SOCK_STREAM, INADDR_LOOPBACK, 80);
    listen_at("bind 67 (udp)", SOCK_DGRAM, INADDR_ANY, 67);
    listen_at("bind 8080", SOCK_STREAM, INADDR_ANY, 8080);
    return 0;
}
