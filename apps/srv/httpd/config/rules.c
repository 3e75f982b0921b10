// SPDX-License-Identifier: MIT
// The statements that a host may have several of: error, redirect, cache.
#include <string.h>

#include "http/head.h"
#include "http/syntax.h"
#include "parser.h"

static bool is_there(struct parser *parser, uint32_t word, const char *what, unsigned line)
{
    return parser_wrong(parser, word, "%s is already defined in line %u", what, line);
}

// A pattern of paths. `suffix`: *.EXTENSION is one too.
static bool take_pattern(struct parser *parser, uint32_t word, bool suffix,
                         struct path_pattern *out_pattern)
{
    struct text text = parser_word(parser, word);
    const char *star = memchr(text.data, '*', text.length);
    bool last = star != NULL && text.length > 1 && star == text.data + text.length - 1;
    *out_pattern =
        (struct path_pattern){.kind = PATTERN_EXACT, .line = (uint16_t)parser->lines.number};
    if (suffix && text.length > 2 && star == text.data && text.data[1] == '.') {
        out_pattern->kind = PATTERN_SUFFIX;
        out_pattern->text = (struct text){text.data + 1, text.length - 1};
        return (memchr(text.data + 1, '*', text.length - 1) == NULL &&
                memchr(text.data, '/', text.length) == NULL) ||
               parser_expected(parser, word, "an extension after '*.'");
    }
    if (star != NULL && (!last || star[-1] != '/')) {
        return parser_wrong(parser, word, "'*' is allowed only at the end, after a '/'");
    }
    if (last) {
        out_pattern->kind = PATTERN_PREFIX;
        parser->lines.words[word][text.length - 1] = '\0';
    }
    return parser_path(parser, word, &out_pattern->text);
}

static bool same_pattern(const struct path_pattern *a, const struct path_pattern *b)
{
    return a->kind == b->kind && text_equal(a->text, b->text);
}

// A status that one of `choices` is; 0: it is none.
static unsigned take_status(struct text text, bool (*is_good)(unsigned status))
{
    uint64_t status;
    bool good = text.length == 3 && text_take_number(&text, &status) && text.length == 0 &&
                is_good((unsigned)status);
    return good ? (unsigned)status : 0;
}

// ---- Errors

static bool has_page(unsigned status)
{
    return status >= 400 && status != 412 && status != 416 &&
           !text_equal(http_reason(status), TEXT("Unknown"));
}

bool parse_error(struct parser *parser)
{
    struct config *config = parser->config;
    struct host *host = parser->host;
    struct error_page page = {.line = (uint16_t)parser->lines.number};
    page.status = take_status(parser_word(parser, 1), has_page);
    if (page.status == 0) {
        return parser_expected(parser, 1, "the status of an error that has a page, such as 404");
    }
    const struct error_page *same = config_error_page(config, host, page.status);
    if (same != NULL) {
        return is_there(parser, 1, "a page for this", same->line);
    }
    if (!parser_path(parser, 2, &page.path)) {
        return false;
    }
    if (config->error_count == CONFIG_ERRORS) {
        return parser_wrong(parser, 0, "more than %u pages for errors", CONFIG_ERRORS);
    }
    config->errors[config->error_count++] = page;
    host->errors.count++;
    return true;
}

// ---- Redirects

static bool is_redirect(unsigned status)
{
    return status == 301 || status == 302 || status == 307 || status == 308;
}

static bool begins_with(struct text text, struct text start)
{
    return text.length >= start.length && text_equal((struct text){text.data, start.length}, start);
}

// A path or an address, of bytes that a URI has; a fragment would stand before the query.
static bool take_target(struct parser *parser, uint32_t word, struct redirect *redirect)
{
    struct text text = parser_word(parser, word);
    bool path = begins_with(text, TEXT("/")) && !begins_with(text, TEXT("//"));
    if (text.length > CONFIG_PATH) {
        return parser_wrong(parser, word, "longer than %u bytes", CONFIG_PATH);
    }
    if (!path && !begins_with(text, TEXT("http://")) && !begins_with(text, TEXT("https://"))) {
        return parser_expected(parser, word, "a path or an http address");
    }
    bool star = text.data[text.length - 1] == '*';
    if (star != (redirect->from.kind == PATTERN_PREFIX)) {
        return parser_wrong(parser, word, "'*' must end both or neither");
    }
    text.length -= star;
    size_t scheme = begins_with(text, TEXT("https://")) ? 8 : 7;
    if (star && !path && memchr(text.data + scheme, '/', text.length - scheme) == NULL) {
        return parser_wrong(parser, word, "missing '/' between host and '*'");
    }
    for (size_t i = 0; i < text.length; i++) {
        if (!syntax_is_query(text.data[i]) || text.data[i] == '*') {
            return parser_expected(parser, word, "a valid path or URL");
        }
    }
    redirect->to = text;
    return true;
}

// Whether what it leads to is what it is for, so that it never ends. As far as it can be seen:
// other redirects may come between.
static bool leads_to_itself(const struct redirect *redirect)
{
    struct text to = redirect->to;
    if (!text_take(&to, '/')) {
        return false;
    }
    for (size_t i = 0; i < to.length; i++) {
        if (to.data[i] == '?') {
            to.length = i;
        }
    }
    return redirect->from.kind == PATTERN_PREFIX ? begins_with(to, redirect->from.text)
                                                 : text_equal(to, redirect->from.text);
}

bool parse_redirect(struct parser *parser)
{
    struct config *config = parser->config;
    struct host *host = parser->host;
    struct redirect redirect = {.status = take_status(parser_word(parser, 1), is_redirect)};
    if (redirect.status == 0) {
        return parser_expected(parser, 1, "301, 302, 307 or 308");
    }
    if (!take_pattern(parser, 2, false, &redirect.from) || !take_target(parser, 3, &redirect)) {
        return false;
    }
    for (unsigned i = 0; i < host->redirects.count; i++) {
        const struct path_pattern *other = &config->redirects[host->redirects.first + i].from;
        if (same_pattern(other, &redirect.from)) {
            return is_there(parser, 2, "a redirect of this", other->line);
        }
    }
    if (leads_to_itself(&redirect)) {
        return parser_wrong(parser, 3, "redirect to itself");
    }
    if (config->redirect_count == CONFIG_REDIRECTS) {
        return parser_wrong(parser, 0, "more than %u redirects", CONFIG_REDIRECTS);
    }
    config->redirects[config->redirect_count++] = redirect;
    host->redirects.count++;
    return true;
}

// ---- Cache-Control

// A directive is a token, perhaps with '=' and a token.
static bool is_directive(struct text text)
{
    size_t length = 0;
    while (length < text.length && syntax_is_token(text.data[length])) {
        length++;
    }
    if (length == 0 || length == text.length) {
        return length > 0;
    }
    return text.data[length] == '=' &&
           syntax_token((struct text){text.data + length + 1, text.length - length - 1});
}

// Joins the words from `word` on with commas, in place.
static bool take_directives(struct parser *parser, uint32_t word, struct text *out_value)
{
    char *value = parser->lines.words[word];
    size_t length = 0;
    for (uint32_t i = word; i < parser->lines.count; i++) {
        struct text text = parser_word(parser, i);
        if (!is_directive(text)) {
            return parser_expected(parser, i, "a directive such as max-age=3600");
        }
        if (length + 1 + text.length > CONFIG_VALUE) {
            return parser_wrong(parser, i, "longer than %u bytes", CONFIG_VALUE);
        }
        if (i > word) {
            value[length++] = ',';
        }
        memmove(value + length, text.data, text.length);
        length += text.length;
    }
    *out_value = (struct text){value, length};
    return true;
}

bool parse_cache(struct parser *parser)
{
    struct config *config = parser->config;
    struct host *host = parser->host;
    struct cache_rule rule;
    if (!take_pattern(parser, 1, true, &rule.pattern)) {
        return false;
    }
    for (unsigned i = 0; i < host->caches.count; i++) {
        const struct path_pattern *other = &config->caches[host->caches.first + i].pattern;
        if (same_pattern(other, &rule.pattern)) {
            return is_there(parser, 1, "this pattern", other->line);
        }
    }
    if (!take_directives(parser, 2, &rule.value)) {
        return false;
    }
    if (config->cache_count == CONFIG_CACHES) {
        return parser_wrong(parser, 0, "more than %u patterns for Cache-Control", CONFIG_CACHES);
    }
    config->caches[config->cache_count++] = rule;
    host->caches.count++;
    return true;
}
