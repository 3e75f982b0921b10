// SPDX-License-Identifier: MIT
#include "config.h"

#include "http/syntax.h"

static bool begins_with(struct text text, struct text start)
{
    return text.length >= start.length && text_equal((struct text){text.data, start.length}, start);
}

static struct text end_of(struct text text, size_t length)
{
    return (struct text){text.data + text.length - length, length};
}

const struct host *config_host(const struct config *config, struct text name)
{
    const struct host_name *found = NULL;
    if (config->name_count == 0 || name.length == 0) {
        return &config->hosts[0];
    }
    name.length -= name.data[name.length - 1] == '.'; // the root's dot, which says nothing
    for (unsigned i = 0; i < config->name_count; i++) {
        const struct host_name *at = &config->names[i];
        if (at->below ? name.length <= at->name.length : name.length != at->name.length) {
            continue;
        }
        if (!text_equal_fold(end_of(name, at->name.length), at->name)) {
            continue;
        }
        if (found == NULL || !at->below || at->name.length > found->name.length) {
            found = at;
        }
        if (!at->below) {
            break;
        }
    }
    return &config->hosts[found != NULL ? found->host : 0];
}

static bool fits(const struct path_pattern *pattern, struct text path)
{
    switch (pattern->kind) {
    case PATTERN_EXACT: return text_equal(path, pattern->text);
    case PATTERN_PREFIX: return begins_with(path, pattern->text);
    default:
        return path.length >= pattern->text.length &&
               text_equal(end_of(path, pattern->text.length), pattern->text);
    }
}

const struct redirect *config_redirect(const struct config *config, const struct host *host,
                                       struct text path)
{
    const struct redirect *redirects = &config->redirects[host->redirects.first];
    for (unsigned i = 0; i < host->redirects.count; i++) {
        if (fits(&redirects[i].from, path)) {
            return &redirects[i];
        }
    }
    return NULL;
}

// A query as it was sent, but for bytes that no URI may have, which are encoded.
static void write_query(struct writer *writer, struct text query)
{
    for (size_t i = 0; i < query.length; i++) {
        struct text byte = {query.data + i, 1};
        if (syntax_is_query(byte.data[0])) {
            write_text(writer, byte);
        } else {
            write_path(writer, byte); // encodes it
        }
    }
}

void redirect_write(struct writer *writer, const struct redirect *redirect, struct text path,
                    struct text query)
{
    write_text(writer, redirect->to);
    if (redirect->from.kind == PATTERN_PREFIX) {
        size_t start = redirect->from.text.length;
        write_path(writer, (struct text){path.data + start, path.length - start});
    }
    if (query.length == 0) {
        return;
    }
    bool has_query = false;
    for (size_t i = 0; i < redirect->to.length; i++) {
        has_query |= redirect->to.data[i] == '?';
    }
    write_text(writer, has_query ? TEXT("&") : TEXT("?"));
    write_query(writer, query);
}

struct text config_cache(const struct config *config, const struct host *host, struct text path)
{
    const struct cache_rule *rules = &config->caches[host->caches.first];
    for (unsigned i = 0; i < host->caches.count; i++) {
        if (fits(&rules[i].pattern, path)) {
            return rules[i].value;
        }
    }
    return (struct text){0};
}

const struct error_page *config_error_page(const struct config *config, const struct host *host,
                                           unsigned status)
{
    const struct error_page *pages = &config->errors[host->errors.first];
    for (unsigned i = 0; i < host->errors.count; i++) {
        if (pages[i].status == status) {
            return &pages[i];
        }
    }
    return NULL;
}
