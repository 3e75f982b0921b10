// SPDX-License-Identifier: MIT
#include "config.h"

#include <string.h>

#include <tessera/abi/status.h>
#include <tessera/lib/log.h>

#include "http/authority.h"
#include "http/path.h"
#include "parser.h"

// ---- Hosts

static bool take_name(struct parser *parser, uint32_t word, struct host_name *out_name)
{
    struct text text = parser_word(parser, word), plain = text;
    struct authority authority;
    bool below = text.length > 2 && text.data[0] == '*' && text.data[1] == '.';
    if (below) {
        plain = (struct text){text.data + 2, text.length - 2};
    }
    if (!authority_parse(plain, &authority) || authority.has_port) {
        return parser_expected(parser, word, "NAME or *.NAME, without a port");
    }
    plain.length -= plain.data[plain.length - 1] == '.';
    *out_name =
        (struct host_name){.name = below ? (struct text){plain.data - 1, plain.length + 1} : plain,
                           .below = below,
                           .host = parser->config->host_count,
                           .line = (uint16_t)parser->lines.number};
    return true;
}

static bool add_name(struct parser *parser, uint32_t word)
{
    struct config *config = parser->config;
    struct host_name name;
    if (!take_name(parser, word, &name)) {
        return false;
    }
    for (unsigned i = 0; i < config->name_count; i++) {
        const struct host_name *other = &config->names[i];
        if (other->below == name.below && text_equal_fold(other->name, name.name)) {
            return parser_wrong(parser, word, "'%.*s' is already defined in line %u", PARSER_SHOWN,
                                parser->lines.words[word], other->line);
        }
    }
    if (config->name_count == CONFIG_NAMES) {
        return parser_wrong(parser, word, "more than %u names of hosts", CONFIG_NAMES);
    }
    config->names[config->name_count++] = name;
    return true;
}

static void begin_host(struct parser *parser, struct host *host)
{
    struct config *config = parser->config;
    host->redirects.first = config->redirect_count;
    host->caches.first = config->cache_count;
    host->errors.first = config->error_count;
    parser->host = host;
    memset(parser->seen, 0, sizeof(parser->seen));
}

static bool parse_host(struct parser *parser)
{
    struct config *config = parser->config;
    if (config->host_count == CONFIG_HOSTS) {
        return parser_wrong(parser, 0, "more than %u hosts", CONFIG_HOSTS);
    }
    begin_host(parser, &config->hosts[++config->host_count]);
    for (uint32_t i = 1; i < parser->lines.count; i++) {
        if (!add_name(parser, i)) {
            return false;
        }
    }
    return true;
}

// ---- What a host has once

static bool parse_root(struct parser *parser)
{
    struct text path;
    if (!parser_path(parser, 1, &path)) {
        return false;
    }
    if (path.length > 0 && path.data[path.length - 1] != '/') {
        parser->lines.words[1][path.length++] = '/'; // there is room: the word began with one
    }
    parser->host->root = path;
    return true;
}

static bool parse_switch(struct parser *parser, bool *out_on)
{
    *out_on = parser_is(parser, 1, TEXT("on"));
    return *out_on || parser_is(parser, 1, TEXT("off")) || parser_expected(parser, 1, "on or off");
}

static bool parse_listing(struct parser *parser)
{
    return parse_switch(parser, &parser->host->listing);
}

static bool parse_status(struct parser *parser)
{
    return parse_switch(parser, &parser->host->status);
}

static bool parse_compressed(struct parser *parser)
{
    struct host *host = parser->host;
    for (uint32_t i = 1; i < parser->lines.count; i++) {
        enum http_coding coding = http_coding_named(parser_word(parser, i));
        if (coding == HTTP_CODINGS) {
            return parser_expected(parser, i, "gzip or br");
        }
        if (memchr(host->codings, (int)coding, host->coding_count) != NULL) {
            return parser_wrong(parser, i, "duplicate '%s'", parser->lines.words[i]);
        }
        host->codings[host->coding_count++] = (uint8_t)coding;
    }
    return true;
}

static bool take_size(struct text text, uint32_t *out_size)
{
    uint64_t size;
    if (!text_take_number(&text, &size) || size > CONFIG_LOG_MOST) {
        return false;
    }
    if (text_take(&text, 'K')) {
        size <<= 10;
    } else if (text_take(&text, 'M')) {
        size <<= 20;
    }
    *out_size = (uint32_t)size;
    return text.length == 0 && size >= CONFIG_LOG_LEAST && size <= CONFIG_LOG_MOST;
}

static bool parse_log(struct parser *parser)
{
    struct config *config = parser->config;
    uint64_t keep;
    if (parser->host != &config->hosts[0]) {
        return parser_wrong(parser, 0, "'log' belongs before the first host");
    }
    if (!parser_is(parser, 1, TEXT("size"))) {
        return parser_expected(parser, 1, "'size'");
    }
    if (!take_size(parser_word(parser, 2), &config->log_size)) {
        return parser_expected(parser, 2, "a size from 8K to 1M");
    }
    if (!parser_is(parser, 3, TEXT("keep"))) {
        return parser_expected(parser, 3, "'keep'");
    }
    struct text number = parser_word(parser, 4);
    if (!text_take_number(&number, &keep) || number.length > 0 || keep > CONFIG_LOGS_KEPT) {
        return parser_expected(parser, 4, "a number from 0 to 9");
    }
    if (config->log_size * (keep + 1) > CONFIG_LOGS_MOST) {
        return parser_wrong(parser, 2, "more than 4M of logs in all");
    }
    config->log_keep = (uint32_t)keep;
    return true;
}

// ---- Statements

static const struct {
    struct text word;
    const char *form;
    uint32_t least, most; // words
    bool once;            // in a host
    bool (*parse)(struct parser *parser);
} statements[] = {
    {TEXT("host"), "host NAME...", 2, TS_LINE_WORDS, false, parse_host},
    {TEXT("root"), "root /PATH", 2, 2, true, parse_root},
    {TEXT("compressed"), "compressed gzip br", 2, 3, true, parse_compressed},
    {TEXT("listing"), "listing on", 2, 2, true, parse_listing},
    {TEXT("status"), "status on", 2, 2, true, parse_status},
    {TEXT("error"), "error STATUS /PATH", 3, 3, false, parse_error},
    {TEXT("redirect"), "redirect STATUS FROM TO", 4, 4, false, parse_redirect},
    {TEXT("cache"), "cache PATTERN DIRECTIVE...", 3, TS_LINE_WORDS, false, parse_cache},
    {TEXT("log"), "log size SIZE keep N", 5, 5, true, parse_log},
};
#define STATEMENTS (sizeof(statements) / sizeof(statements[0]))
_Static_assert(STATEMENTS <= sizeof(((struct parser *)NULL)->seen) / sizeof(uint16_t), "all seen");

static bool parse_statement(struct parser *parser)
{
    unsigned kind = 0;
    while (kind < STATEMENTS && !parser_is(parser, 0, statements[kind].word)) {
        kind++;
    }
    if (kind == STATEMENTS) {
        return parser_wrong(parser, 0, "unknown word '%.*s'", PARSER_SHOWN, parser->lines.words[0]);
    }
    uint32_t count = parser->lines.count, most = statements[kind].most;
    if (count < statements[kind].least || count > most) {
        return parser_wrong(parser, count < most ? count : most, "expected: %s",
                            statements[kind].form);
    }
    if (statements[kind].once && parser->seen[kind] != 0) {
        return parser_wrong(parser, 0, "duplicate '%s', first in line %u", parser->lines.words[0],
                            parser->seen[kind]);
    }
    parser->seen[kind] = (uint16_t)parser->lines.number;
    return statements[kind].parse(parser);
}

void config_init(struct config *config)
{
    memset(config, 0, offsetof(struct config, text));
    config->hosts[0].status = true;
}

bool config_parse(struct config *config, size_t length, char message[CONFIG_MESSAGE])
{
    struct parser parser = {.config = config, .message = message};
    begin_host(&parser, &config->hosts[0]);
    ts_lines_begin(&parser.lines, config->text, length);
    while (ts_lines_next(&parser.lines)) {
        if (parser.lines.wrong != NULL) {
            return parser_wrong(&parser, parser.lines.count, "%s", parser.lines.wrong);
        }
        if (!parse_statement(&parser)) {
            return false;
        }
    }
    return true;
}
