// SPDX-License-Identifier: MIT
// A line of the configuration while it is read. parser.c has what its readers share: rules.c, for
// the statements that there may be several of, and config.c, for lines, hosts and switches.
#pragma once

#include <tessera/lib/lines.h>

#include "config.h"

#define PARSER_SHOWN 60 // bytes of a word in a message

struct parser {
    struct config *config;
    struct host *host; // statements belong to it
    char *message;     // of CONFIG_MESSAGE bytes
    struct ts_lines lines;
    uint16_t seen[16]; // lines of this host's statements, by kind; 0: not seen
};

// Tells what is wrong at a word of the line (or, at its count, behind the last). Always false.
bool parser_wrong(struct parser *parser, uint32_t word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// The same about a word which is not what was expected.
bool parser_expected(struct parser *parser, uint32_t word, const char *what);

struct text parser_word(const struct parser *parser, uint32_t word);
bool parser_is(const struct parser *parser, uint32_t word, struct text expected);

// A path as in a URL. What it is decoded to lies in the word.
bool parser_path(struct parser *parser, uint32_t word, struct text *out_path);

// The statements of rules.c.
bool parse_error(struct parser *parser);
bool parse_redirect(struct parser *parser);
bool parse_cache(struct parser *parser);
