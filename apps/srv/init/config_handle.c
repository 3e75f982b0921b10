// SPDX-License-Identifier: MIT
// The statement `handle`, and what names in the configuration refer to.
#include <string.h>
#include <tessera/abi/bootstrap.h>
#include <tessera/abi/right.h>
#include <tessera/proto/init.h>
#include "config.h"

static const struct {
    const char *word;
    ts_rights_t right;
} rights_words[] = {
    {"read", TS_RIGHT_READ},         {"write", TS_RIGHT_WRITE},   {"execute", TS_RIGHT_EXECUTE},
    {"open", TS_RIGHT_OPEN},         {"map", TS_RIGHT_MAP},       {"call", TS_RIGHT_CALL},
    {"wait", TS_RIGHT_WAIT},         {"share", TS_RIGHT_SHARE},   {"duplicate", TS_RIGHT_DUPLICATE},
    {"transfer", TS_RIGHT_TRANSFER}, {"manage", TS_RIGHT_MANAGE},
};

struct words {
    char **next;
    uint32_t count;
};

static char *take_word(struct words *words)
{
    if (words->count == 0) {
        return NULL;
    }
    words->count--;
    return *words->next++;
}

static bool next_is(const struct words *words, const char *word)
{
    return words->count > 0 && strcmp(*words->next, word) == 0;
}

static bool is_one_of(const char *word, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(word, *list) == 0) {
            return true;
        }
    }
    return false;
}

static const char *parse_rights(struct words *words, ts_rights_t *out_rights)
{
    ts_rights_t rights = 0;
    if (words->count == 0) {
        return "missing rights after with";
    }
    while (words->count > 0) {
        const char *word = take_word(words);
        ts_rights_t right = 0;
        for (size_t i = 0; i < sizeof(rights_words) / sizeof(rights_words[0]); i++) {
            if (strcmp(word, rights_words[i].word) == 0) {
                right = rights_words[i].right;
            }
        }
        if (!right) {
            return "unknown right";
        }
        rights |= right;
    }
    *out_rights = rights;
    return NULL;
}

static const char *parse_reference(struct words *words, struct config_handle *handle)
{
    handle->service_name = take_word(words);
    if (handle->service_name == NULL) {
        return "missing name of a service";
    }
    handle->what = words->count > 0 && !next_is(words, "with") ? take_word(words) : "";
    return NULL;
}

static const char *parse_resource(struct words *words, struct config_handle *handle)
{
    static const char *const kinds[] = {TS_NAME_RESOURCE_PHYSICAL, TS_NAME_RESOURCE_INTERRUPT,
                                        TS_NAME_RESOURCE_IO,       TS_NAME_RESOURCE_DOMAIN,
                                        TS_NAME_RESOURCE_SYSTEM,   NULL};
    handle->target = CONFIG_RESOURCE;
    handle->what = take_word(words);
    if (handle->what != NULL && strcmp(handle->what, TS_NAME_FRAMEBUFFER) == 0) {
        handle->target = CONFIG_FRAMEBUFFER;
        return NULL;
    }
    if (handle->what == NULL || !is_one_of(handle->what, kinds)) {
        return "expected physical, interrupt, io, domain, system or framebuffer after resource";
    }
    if (words->count == 0 || next_is(words, "with")) {
        return NULL;
    }
    const char *base = take_word(words), *length = take_word(words);
    if (length == NULL || !config_number(base, &handle->base) ||
        !config_number(length, &handle->length) || handle->length == 0) {
        return "expected BASE LENGTH for a part of a resource";
    }
    return NULL;
}

static const char *parse_memory(struct words *words, struct config_handle *handle)
{
    const char *pages = take_word(words);
    handle->target = CONFIG_MEMORY;
    if (pages == NULL || !config_number(pages, &handle->length) || handle->length == 0 ||
        handle->length > CONFIG_PAGES) {
        return "expected a number of pages after memory, at most 65536";
    }
    handle->length *= TS_PAGE_SIZE;
    return NULL;
}

// Sets target, what and what goes with them; returns what is wrong, or NULL.
static const char *parse_target(struct words *words, char *word, struct config_handle *handle)
{
    static const char *const own[] = {TS_NAME_RANDOM, TS_NAME_BOOT, NULL};
    handle->what = word;
    if (word[0] == '/') {
        handle->target = CONFIG_TREE;
        handle->what = word + 1;
    } else if (strcmp(word, "service") == 0) {
        handle->target = CONFIG_SERVICE; // to steer it, or to be found through it, is said so
        handle->rights &= (ts_rights_t) ~(TS_RIGHT_MANAGE | TS_RIGHT_SHARE);
        return parse_reference(words, handle);
    } else if (strcmp(word, "each") == 0) {
        handle->target = CONFIG_EACH;
        handle->rights &= (ts_rights_t) ~(TS_RIGHT_MANAGE | TS_RIGHT_SHARE);
    } else if (strcmp(word, "class") == 0) {
        handle->target = CONFIG_CLASS;
        handle->rights &= (ts_rights_t) ~(TS_RIGHT_MANAGE | TS_RIGHT_SHARE);
        handle->what = take_word(words);
        return handle->what == NULL ? "missing name of a class" : NULL;
    } else if (strcmp(word, "session") == 0) {
        handle->target = CONFIG_SESSION;
        return parse_reference(words, handle);
    } else if (strcmp(word, "resource") == 0) {
        return parse_resource(words, handle);
    } else if (strcmp(word, "memory") == 0) {
        return parse_memory(words, handle);
    } else if (strcmp(word, "control") == 0) {
        // Steering services, the machine's end, or the clock, must be said.
        handle->target = CONFIG_CONTROL;
        handle->rights &= (ts_rights_t) ~(TS_RIGHT_MANAGE | TS_RIGHT_EXECUTE | TS_RIGHT_WRITE);
    } else if (strcmp(word, TS_NAME_LOG) == 0) {
        handle->target = CONFIG_OWN; // reading it, or taking its port over, must be said
        handle->rights = TS_RIGHT_WRITE | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER;
    } else if (strcmp(word, "root-job") == 0) {
        handle->target = CONFIG_OWN;
        handle->what = TS_NAME_JOB;
        handle->rights &= (ts_rights_t) ~(TS_RIGHT_WRITE | TS_RIGHT_MANAGE);
    } else if (strcmp(word, TS_NAME_JOB) == 0) {
        handle->target = CONFIG_JOB; // a manager of a job sets its limits
        handle->rights &= (ts_rights_t)~TS_RIGHT_MANAGE;
    } else if (is_one_of(word, own)) {
        handle->target = CONFIG_OWN;
    } else {
        return "unknown target";
    }
    return NULL;
}

static const char *parse_rest(struct words *words, struct config_handle *handle)
{
    char *target = (char *)handle->name;
    if (next_is(words, "=")) {
        take_word(words);
        target = take_word(words);
    }
    if (target == NULL) {
        return "missing target after =";
    }
    const char *wrong = parse_target(words, target, handle);
    if (wrong == NULL && next_is(words, "with")) {
        take_word(words);
        wrong = parse_rights(words, &handle->rights);
    }
    return wrong != NULL || words->count == 0 ? wrong : "too many words";
}

static struct config_handle *find_handle(struct config_service *service, const char *name)
{
    for (uint32_t i = 0; i < service->handle_count; i++) {
        if (strcmp(service->handles[i].name, name) == 0) {
            return &service->handles[i];
        }
    }
    return NULL;
}

void config_parse_handle(struct config *config, struct config_service *service, char **line_words,
                         uint32_t count, unsigned line)
{
    struct words words = {line_words + 1, count - 1};
    static const char *const given[] = {TS_NAME_INIT, TS_NAME_PROCESS, TS_NAME_CLOCK, NULL};
    struct config_handle handle = {.line = line, .rights = TS_RIGHTS_SAME};
    const char *wrong;
    handle.name = take_word(&words);
    struct config_handle *same = handle.name != NULL ? find_handle(service, handle.name) : NULL;
    if (handle.name == NULL) {
        wrong = "missing name";
    } else if (is_one_of(handle.name, given)) {
        wrong = "reserved name: each service is given that";
    } else if (same != NULL && !same->inherited) {
        wrong = "already defined";
    } else if (same == NULL && service->handle_count == CONFIG_HANDLES) {
        wrong = "too many handles";
    } else {
        wrong = parse_rest(&words, &handle);
    }
    if (wrong != NULL) {
        config_error(config, line, "handle %s: %s", handle.name != NULL ? handle.name : "", wrong);
        service->broken = true;
        return;
    }
    *(same != NULL ? same : &service->handles[service->handle_count++]) = handle;
}

// ---- linking

static bool link_name(struct config *config, const char *name, uint32_t *out_service, unsigned line)
{
    struct config_service *service = config_find(config, name);
    if (service == NULL) {
        config_error(config, line, "unknown service %s", name);
        return false;
    }
    if (service->each_name != NULL) {
        config_error(config, line, "service %s runs for each of some things: it has a class", name);
        return false;
    }
    *out_service = (uint32_t)(service - config->services);
    service->serves = true;
    return true;
}

static bool link_class(struct config *config, const char *name, unsigned line)
{
    bool found = false;
    for (uint32_t i = 0; i < config->service_count; i++) {
        struct config_service *service = &config->services[i];
        if (config_is_of(service, name)) {
            service->serves = found = true;
        }
    }
    if (!found) {
        config_error(config, line, "no service is of class %s", name);
    }
    return found;
}

static bool link_handle(struct config *config, struct config_service *service,
                        struct config_handle *handle)
{
    switch (handle->target) {
    case CONFIG_SERVICE:
    case CONFIG_SESSION:
        return link_name(config, handle->service_name, &handle->service, handle->line);
    case CONFIG_CLASS: return link_class(config, handle->what, handle->line);
    case CONFIG_EACH:
        if (service->each_name == NULL) {
            config_error(config, handle->line, "handle %s: the service has no statement each",
                         handle->name);
            return false;
        }
        handle->service_name = service->each_name;
        handle->service = service->each;
        return true;
    default: return true;
    }
}

static void link_each(struct config *config, struct config_service *service)
{
    if (service->each_name == NULL) {
        return;
    }
    if (!link_name(config, service->each_name, &service->each, service->line)) {
        service->broken = true;
        service->each = (uint32_t)(service - config->services); // nothing else is meant
    } else if (service->console || service->start == CONFIG_START_DEMAND) {
        config_error(config, service->line, "service %s: each, and console or start demand",
                     service->name);
        service->broken = true;
    }
}

static void link_service(struct config *config, struct config_service *service)
{
    if (service->program == NULL) {
        config_error(config, service->line, "service %s has no program", service->name);
        service->broken = true;
        service->program = &"/"[1];
    }
    service->arguments[0] = service->program - 1; // with its '/'
    service->serves |= service->heartbeat > 0;
    link_each(config, service);
    for (uint32_t i = 0; i < service->handle_count; i++) {
        struct config_handle *handle = &service->handles[i];
        if (!link_handle(config, service, handle)) {
            service->broken = true;
            handle->target = CONFIG_OWN; // refers to nothing: the service does not start anyway
        }
    }
}

// The line by which a service uses this other one; 0: it does not.
static unsigned uses(const struct config *config, const struct config_service *service,
                     uint32_t other)
{
    for (uint32_t i = 0; i < service->handle_count; i++) {
        const struct config_handle *handle = &service->handles[i];
        bool named = handle->target == CONFIG_SERVICE || handle->target == CONFIG_SESSION;
        if ((named && handle->service == other) ||
            (handle->target == CONFIG_CLASS &&
             config_is_of(&config->services[other], handle->what))) {
            return handle->line;
        }
    }
    bool each = service->each_name != NULL && service->each == other && !service->broken;
    return each ? service->line : 0;
}

enum mark { MARK_NONE, MARK_OPEN, MARK_DONE };

// Depth first; the way down is at most CONFIG_SERVICES deep. One that is met while it is open uses,
// in the end, itself.
static void find_cycle(struct config *config, uint32_t index, uint8_t *marks)
{
    struct config_service *service = &config->services[index];
    marks[index] = MARK_OPEN;
    for (uint32_t other = 0; other < config->service_count; other++) {
        unsigned line = uses(config, service, other);
        if (line == 0) {
            continue;
        }
        if (marks[other] == MARK_NONE) {
            find_cycle(config, other, marks);
        } else if (marks[other] == MARK_OPEN) {
            config_error(config, line, "service %s uses itself by way of %s", service->name,
                         config->services[other].name);
            service->broken = true;
        }
    }
    marks[index] = MARK_DONE;
}

void config_link(struct config *config)
{
    uint8_t marks[CONFIG_SERVICES] = {0};
    for (uint32_t i = 0; i < config->service_count; i++) {
        link_service(config, &config->services[i]);
    }
    for (uint32_t i = 0; i < config->service_count; i++) {
        if (marks[i] == MARK_NONE) {
            find_cycle(config, i, marks);
        }
    }
    for (uint32_t i = 0; i < config->mount_count; i++) {
        struct config_mount *mount = &config->mounts[i];
        mount->broken = !link_name(config, mount->service_name, &mount->service, mount->line);
    }
}
