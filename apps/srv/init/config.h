// SPDX-License-Identifier: MIT
// The boot configuration, /etc/init.conf: which programs run, and what each of them may reach.
//
// A line is a statement, of words as ipc/lib/lines.h has them. Statements after `service NAME`
// belong to that service.
//
//   service NAME
//     program PATH                    in the boot archive
//     arguments WORD…                 after the program's name
//     environment NAME=VALUE…
//     start boot | demand | never     demand: when somebody opens its name. Default: boot
//     alone                           others start once it is ready, or has failed
//     restart always | failure | never   after it ended, until it is given up (service.c).
//                                        Default: always
//     heartbeat TIME                  TIME is 500ms, 5s, 1m: so long silent when asked is a death
//     limit pages N | handles N | threads N    of its job; several pairs may follow
//     least pages N                   not started on a machine whose programs can have fewer
//     priority idle | normal | driver
//     class NAME                      programs find it by its class, with others of that
//     each SERVICE MATCH…             an instance of it for each thing that SERVICE has at a MATCH:
//                                     NAME:0, NAME:1 …; it is found by its class
//     console                         the program which `exec=` on the kernel's command line
//                                     replaces; of several the first that is to start, and the
//                                     others do not
//     on serial | screen              belongs to that console: not started where `console=` on the
//                                     kernel's command line (serial, screen or both; with `exec=`
//                                     serial, else both) names the other
//     like NAME                       as that service, which is further up, says: its statements,
//                                     before those of its own. A handle of the same name replaces
//     handle NAME [= TARGET] [with RIGHT…]
//   needs pages N                     of memory, free before the first start: with less, the
//                                     log says so
//   mount PATH = service NAME         PATH of init's file tree leads to that service; not `manage`
//
// TARGET, by default the name of the handle itself:
//   log, random, boot                 init's own of that name
//   job                               the service's own job: it may start programs
//   root-job                          the job of all: every process, the system's counters
// (process and clock are given to all, and init to services: no line names a handle so)
//   /PATH                             init's file tree, from there on
//   service NAME [PATH]               a name that can be opened again and again: sessions of the
//                                     service, or of what it has at PATH
//   each                              the thing of `each` that the instance is for
//   class NAME                        a directory of the services of that class
//   session NAME [PATH]               one session, opened before the program starts
//   memory PAGES                      memory that its instances pass on: each finds what the last
//                                     one left there, which may be anything; zeros at first
//   resource KIND [BASE LENGTH]       physical, interrupt, io, domain or system; all or a part
//   resource framebuffer              of physical, the pages of the screen's memory; no handle
//                                     where there is none
//   control                           the state of all services, and steering it
// RIGHT: read write execute open map call wait share duplicate transfer manage. Default: all that
// init can give, save for service, each and class, where `manage` and `share` must be said (what
// they are for says the service's protocol, docs/protocols), control and job, where `manage` must
// be (a manager of its job sets its own limits), control again, where `execute` must be (the
// machine's end, and nothing else of what `manage` has) and `write` (the clock, and nothing else),
// root-job, where `write` must be as well (starting programs in no limits but the machine's), and
// log, which is written only.
//
// A service that others refer to, or that has a heartbeat, must call READY (proto/init.h).
//
// What is wrong is reported with its line; the service it belongs to is not started, others are.
#pragma once

#include <stdbool.h>
#include <tessera/abi/object.h>
#include <tessera/abi/types.h>
#include <tessera/lib/status.h>

#define CONFIG_SERVICES     32u
#define CONFIG_HANDLES      24u
#define CONFIG_WORDS        32u
#define CONFIG_MOUNTS       8u
#define CONFIG_MATCHES      24u
#define CONFIG_INSTANCE_MAX 3u     // of an instance's name: ":31"
#define CONFIG_MATCH        40u    // the longest of them
#define CONFIG_BYTES        65536u // of the file
#define CONFIG_PAGES        65536u // of one memory

enum config_start { CONFIG_START_BOOT, CONFIG_START_DEMAND, CONFIG_START_NEVER };
enum config_restart { CONFIG_RESTART_ALWAYS, CONFIG_RESTART_FAILURE, CONFIG_RESTART_NEVER };

enum config_console { CONFIG_ON_ANY, CONFIG_ON_SERIAL, CONFIG_ON_SCREEN };

enum config_target {
    CONFIG_OWN, // what: the name of a handle of init's
    CONFIG_JOB,
    CONFIG_TREE,     // what: path without the leading '/'
    CONFIG_SERVICE,  // service; what: path
    CONFIG_SESSION,  // service; what: path
    CONFIG_EACH,     // service
    CONFIG_CLASS,    // what: its name
    CONFIG_RESOURCE, // what: the name of a handle of init's; base, length
    CONFIG_CONTROL,
    CONFIG_MEMORY, // length: bytes
    CONFIG_FRAMEBUFFER,
};

struct config_handle {
    const char *name, *what;
    const char *service_name; // SERVICE, SESSION, EACH
    uint32_t service;         // index of it
    enum config_target target;
    bool inherited; // by `like`: one of the same name replaces it
    ts_rights_t rights;
    uint64_t base, length; // RESOURCE: length 0 = all; MEMORY
    unsigned line;
};

struct config_service {
    const char *name, *program;
    const char *arguments[CONFIG_WORDS + 2]; // [0] = program; NULL ends
    const char *environment[CONFIG_WORDS + 1];
    struct config_handle handles[CONFIG_HANDLES];
    uint32_t argument_count, environment_count, handle_count;
    const char *class_name; // NULL: none
    const char *each_name;  // the service that has the things; NULL: it runs once
    uint32_t each;          // index of it
    const char *matches[CONFIG_MATCHES];
    uint32_t match_count;
    enum config_start start;
    enum config_restart restart;
    ts_time_t heartbeat; // how long it may be silent, 0 = is not asked
    struct ts_job_limits limits;
    uint64_t pages_least;
    uint8_t priority;
    bool console;
    enum config_console on;
    bool alone;
    bool serves; // must call READY
    bool broken; // has an error: is not started
    unsigned line;
};

struct config_mount {
    const char *path; // without the leading '/'
    const char *service_name;
    uint32_t service;
    bool broken;
    unsigned line;
};

struct config {
    struct config_service services[CONFIG_SERVICES];
    uint32_t service_count;
    struct config_mount mounts[CONFIG_MOUNTS];
    uint32_t mount_count;
    size_t longest_mount; // its path
    uint64_t pages_needed;
    uint32_t errors;
    // Told of each error; `text` is good during the call.
    void (*report)(void *context, unsigned line, const char *text);
    void *context;
};

// config_parse.c: parses `text` (changed and kept: strings point into it; text[length] is writable)
// and links names. The caller has set report and context, all else is zero. Errors are counted and
// reported, nothing fails.
void config_parse(struct config *config, char *text, size_t length);

// The service of that name, or NULL.
struct config_service *config_find(struct config *config, const char *name);

// Whether it is one of the class.
bool config_is_of(const struct config_service *service, const char *class_name);

// For the parser's files: config.c, and config_handle.c, which has `handle` and the links.
void config_error(struct config *config, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void config_parse_handle(struct config *config, struct config_service *service, char **words,
                         uint32_t count, unsigned line);
void config_link(struct config *config);
bool config_number(const char *word, uint64_t *out_number);
