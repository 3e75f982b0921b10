// SPDX-License-Identifier: MIT
#include "config.h"
#include <string.h>
#include <tessera/abi/ring.h>
#include <tessera/abi/syscall.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/lines.h>
#include <tessera/lib/log.h>

struct parser {
    struct config *config;
    struct config_service *service; // statements belong to it; NULL: to none
    unsigned line;
    char **words;
    uint32_t count;
};

// An error in a service's statement: it is not started.
#define FAIL(parser, ...)                                            \
    do {                                                             \
        config_error((parser)->config, (parser)->line, __VA_ARGS__); \
        if ((parser)->service != NULL) {                             \
            (parser)->service->broken = true;                        \
        }                                                            \
    } while (0)

static bool parse_time(char *word, ts_time_t *out_time)
{
    static const struct {
        const char *unit;
        ts_time_t ns;
    } units[] = {{"ms", TS_MILLISECOND}, {"s", TS_SECOND}, {"m", 60 * TS_SECOND}};
    size_t digits = strspn(word, "0123456789");
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t number;
        if (strcmp(word + digits, units[i].unit) != 0) {
            continue;
        }
        word[digits] = '\0';
        if (!config_number(word, &number) || number == 0 || number > 1000000) {
            return false;
        }
        *out_time = (ts_time_t)number * units[i].ns;
        return true;
    }
    return false;
}

// The index of `word` in a NULL-terminated list, or -1.
static int choose(const char *word, const char *const *choices)
{
    for (int i = 0; choices[i] != NULL; i++) {
        if (strcmp(word, choices[i]) == 0) {
            return i;
        }
    }
    return -1;
}

// ---- statements

static bool name_is_good(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length < TS_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == length;
}

static void parse_service(struct parser *parser)
{
    struct config *config = parser->config;
    parser->service = NULL;
    if (parser->count != 2 || !name_is_good(parser->words[1])) {
        FAIL(parser, "expected: service NAME, of small letters, digits, '-', '_' and '.'");
        return;
    }
    struct config_service *same = config_find(config, parser->words[1]);
    if (same != NULL) {
        FAIL(parser, "service %s is already defined in line %u", same->name, same->line);
        return;
    }
    if (config->service_count == CONFIG_SERVICES) {
        FAIL(parser, "more than %u services", CONFIG_SERVICES);
        return;
    }
    parser->service = &config->services[config->service_count++];
    parser->service->name = parser->words[1];
    parser->service->line = parser->line;
    parser->service->priority = TS_PRIORITY_NORMAL;
}

// Its first statement, or those before would be lost.
static void parse_like(struct parser *parser)
{
    struct config_service *service = parser->service;
    const struct config_service *model =
        parser->count == 2 ? config_find(parser->config, parser->words[1]) : NULL;
    if (model == NULL || model == service || service->program != NULL) {
        FAIL(parser, "expected first: like NAME, of a service that is further up");
        return;
    }
    const char *name = service->name;
    *service = *model;
    service->name = name;
    service->line = parser->line;
    for (uint32_t i = 0; i < service->handle_count; i++) {
        service->handles[i].inherited = true;
    }
}

static void parse_program(struct parser *parser)
{
    if (parser->count != 2 || parser->words[1][0] != '/') {
        FAIL(parser, "expected: program /PATH");
    } else if (parser->service->program != NULL) {
        FAIL(parser, "duplicate program");
    } else {
        parser->service->program = parser->words[1] + 1;
    }
}

static void parse_class(struct parser *parser)
{
    if (parser->count != 2 || !name_is_good(parser->words[1])) {
        FAIL(parser, "expected: class NAME, of small letters, digits, '-', '_' and '.'");
    } else if (parser->service->class_name != NULL) {
        FAIL(parser, "duplicate class");
    } else {
        parser->service->class_name = parser->words[1];
    }
}

// Its instances' names are longer: ":31".
static void parse_each(struct parser *parser)
{
    struct config_service *service = parser->service;
    if (parser->count < 3 || parser->count > 2 + CONFIG_MATCHES) {
        FAIL(parser, "expected: each SERVICE MATCH…, at most %u", CONFIG_MATCHES);
    } else if (service->each_name != NULL) {
        FAIL(parser, "duplicate each");
    } else if (strlen(service->name) + CONFIG_INSTANCE_MAX >= TS_NAME_MAX) {
        FAIL(parser, "the names of its instances would be too long");
    } else {
        service->each_name = parser->words[1];
        for (uint32_t i = 2; i < parser->count; i++) {
            if (strlen(parser->words[i]) > CONFIG_MATCH) {
                FAIL(parser, "match %s is too long", parser->words[i]);
            }
            service->matches[service->match_count++] = parser->words[i];
        }
    }
}

static void parse_words(struct parser *parser, const char **list, uint32_t *count)
{
    for (uint32_t i = 1; i < parser->count; i++) {
        if (*count == CONFIG_WORDS) {
            FAIL(parser, "more than %u words", CONFIG_WORDS);
            return;
        }
        list[(*count)++] = parser->words[i];
    }
}

static void parse_choice(struct parser *parser, const char *const *choices, int *out_choice)
{
    int choice = parser->count == 2 ? choose(parser->words[1], choices) : -1;
    if (choice < 0) {
        FAIL(parser, "%s: one of %s, %s or %s", parser->words[0], choices[0], choices[1],
             choices[2]);
    } else {
        *out_choice = choice;
    }
}

static void parse_start(struct parser *parser)
{
    static const char *const choices[] = {"boot", "demand", "never", NULL};
    int choice = (int)parser->service->start;
    parse_choice(parser, choices, &choice);
    parser->service->start = (enum config_start)choice;
}

static void parse_restart(struct parser *parser)
{
    static const char *const choices[] = {"always", "failure", "never", NULL};
    int choice = (int)parser->service->restart;
    parse_choice(parser, choices, &choice);
    parser->service->restart = (enum config_restart)choice;
}

static void parse_on(struct parser *parser)
{
    static const char *const choices[] = {"serial", "screen", NULL};
    int choice = parser->count == 2 ? choose(parser->words[1], choices) : -1;
    if (choice < 0) {
        FAIL(parser, "on: one of serial or screen");
    } else {
        parser->service->on = choice == 0 ? CONFIG_ON_SERIAL : CONFIG_ON_SCREEN;
    }
}

static void parse_priority(struct parser *parser)
{
    static const char *const choices[] = {"idle", "normal", "driver", NULL};
    static const uint8_t priorities[] = {1, TS_PRIORITY_NORMAL, TS_PRIORITY_DRIVER};
    int choice = 1;
    parse_choice(parser, choices, &choice);
    parser->service->priority = priorities[choice];
}

static void parse_heartbeat(struct parser *parser)
{
    if (parser->count != 2 || !parse_time(parser->words[1], &parser->service->heartbeat)) {
        FAIL(parser, "expected: heartbeat TIME, such as 500ms, 5s or 1m");
    }
}

static void parse_limit(struct parser *parser)
{
    static const char *const choices[] = {"pages", "handles", "threads", NULL};
    uint64_t *limits[] = {&parser->service->limits.pages, &parser->service->limits.handles,
                          &parser->service->limits.threads};
    if (parser->count < 3 || parser->count % 2 == 0) {
        FAIL(parser, "expected: limit pages N, handles N or threads N");
    }
    for (uint32_t i = 1; i + 1 < parser->count; i += 2) {
        int choice = choose(parser->words[i], choices);
        if (choice < 0 || !config_number(parser->words[i + 1], limits[choice])) {
            FAIL(parser, "limit %s %s: expected pages, handles or threads, and a number",
                 parser->words[i], parser->words[i + 1]);
            return;
        }
    }
}

// As it is opened: components without "." and "..", and a '/' between them.
static bool path_is_good(const char *path)
{
    bool more = true;
    while (more) {
        size_t length = strcspn(path, "/"), dots = strspn(path, ".");
        if (length == 0 || length > TS_COMPONENT_MAX || (dots == length && dots <= 2)) {
            return false;
        }
        more = path[length] == '/';
        path += length + more;
    }
    return true;
}

static bool is_mounted(const struct config *config, const char *path)
{
    for (uint32_t i = 0; i < config->mount_count; i++) {
        if (strcmp(config->mounts[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

static void parse_mount(struct parser *parser)
{
    struct config *config = parser->config;
    char **words = parser->words;
    parser->service = NULL;
    if (parser->count != 5 || words[1][0] != '/' || !path_is_good(words[1] + 1) ||
        strcmp(words[2], "=") != 0 || strcmp(words[3], "service") != 0) {
        FAIL(parser, "expected: mount /PATH = service NAME");
        return;
    }
    if (is_mounted(config, words[1] + 1)) {
        FAIL(parser, "something is mounted at %s already", words[1]);
        return;
    }
    if (config->mount_count == CONFIG_MOUNTS) {
        FAIL(parser, "more than %u mounts", CONFIG_MOUNTS);
        return;
    }
    config->mounts[config->mount_count++] =
        (struct config_mount){.path = words[1] + 1, .service_name = words[4], .line = parser->line};
    size_t length = strlen(words[1] + 1);
    config->longest_mount = length > config->longest_mount ? length : config->longest_mount;
}

static void parse_needs(struct parser *parser)
{
    parser->service = NULL;
    if (parser->count != 3 || strcmp(parser->words[1], "pages") != 0 ||
        !config_number(parser->words[2], &parser->config->pages_needed)) {
        FAIL(parser, "expected: needs pages N");
    }
}

static void parse_least(struct parser *parser)
{
    if (parser->count != 3 || strcmp(parser->words[1], "pages") != 0 ||
        !config_number(parser->words[2], &parser->service->pages_least)) {
        FAIL(parser, "expected: least pages N");
    }
}

static void parse_in_service(struct parser *parser)
{
    const char *word = parser->words[0];
    struct config_service *service = parser->service;
    if (strcmp(word, "program") == 0) {
        parse_program(parser);
    } else if (strcmp(word, "arguments") == 0) {
        parse_words(parser, service->arguments + 1, &service->argument_count);
    } else if (strcmp(word, "environment") == 0) {
        parse_words(parser, service->environment, &service->environment_count);
    } else if (strcmp(word, "start") == 0) {
        parse_start(parser);
    } else if (strcmp(word, "restart") == 0) {
        parse_restart(parser);
    } else if (strcmp(word, "heartbeat") == 0) {
        parse_heartbeat(parser);
    } else if (strcmp(word, "limit") == 0) {
        parse_limit(parser);
    } else if (strcmp(word, "class") == 0) {
        parse_class(parser);
    } else if (strcmp(word, "each") == 0) {
        parse_each(parser);
    } else if (strcmp(word, "least") == 0) {
        parse_least(parser);
    } else if (strcmp(word, "priority") == 0) {
        parse_priority(parser);
    } else if (strcmp(word, "console") == 0 && parser->count == 1) {
        service->console = true;
    } else if (strcmp(word, "alone") == 0 && parser->count == 1) {
        service->alone = true;
    } else if (strcmp(word, "on") == 0) {
        parse_on(parser);
    } else if (strcmp(word, "like") == 0) {
        parse_like(parser);
    } else if (strcmp(word, "handle") == 0) {
        config_parse_handle(parser->config, service, parser->words, parser->count, parser->line);
    } else {
        FAIL(parser, "unknown statement '%s'", word);
    }
}

static void parse_statement(struct parser *parser)
{
    if (strcmp(parser->words[0], "service") == 0) {
        parse_service(parser);
    } else if (strcmp(parser->words[0], "mount") == 0) {
        parse_mount(parser);
    } else if (strcmp(parser->words[0], "needs") == 0) {
        parse_needs(parser);
    } else if (parser->service != NULL) {
        parse_in_service(parser);
    } else {
        FAIL(parser, "statement '%s' outside of a service", parser->words[0]);
    }
}

void config_parse(struct config *config, char *text, size_t length)
{
    struct ts_lines lines;
    struct parser parser = {.config = config, .words = lines.words};
    ts_lines_begin(&lines, text, length);
    while (ts_lines_next(&lines)) {
        parser.line = lines.number;
        parser.count = lines.count;
        if (lines.wrong != NULL) {
            FAIL(&parser, "%s", lines.wrong);
        } else {
            parse_statement(&parser);
        }
    }
    config_link(config);
}
