// SPDX-License-Identifier: MIT
#include "parser.h"

#include <string.h>

#include <tessera/abi/status.h>
#include <tessera/lib/log.h>

#include "http/path.h"

bool parser_wrong(struct parser *parser, uint32_t word, const char *format, ...)
{
    va_list arguments;
    size_t length = ts_format(parser->message, CONFIG_MESSAGE, "%u:%u: ", parser->lines.number,
                              ts_lines_column(&parser->lines, word));
    va_start(arguments, format);
    length += ts_format_v(parser->message + length, CONFIG_MESSAGE - length, format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < length; i++) { // a word may have anything in it
        if (parser->message[i] < ' ' || parser->message[i] > '~') {
            parser->message[i] = '?';
        }
    }
    return false;
}

struct text parser_word(const struct parser *parser, uint32_t word)
{
    const char *data = parser->lines.words[word];
    return (struct text){data, strlen(data)};
}

bool parser_is(const struct parser *parser, uint32_t word, struct text expected)
{
    return text_equal(parser_word(parser, word), expected);
}

bool parser_expected(struct parser *parser, uint32_t word, const char *what)
{
    return parser_wrong(parser, word, "expected %s, found '%.*s'", what, PARSER_SHOWN,
                        parser->lines.words[word]);
}

bool parser_path(struct parser *parser, uint32_t word, struct text *out_path)
{
    struct text text = parser_word(parser, word), path;
    char decoded[CONFIG_PATH];
    if (text.length > CONFIG_PATH) {
        return parser_wrong(parser, word, "longer than %u bytes", CONFIG_PATH);
    }
    if (path_decode(text, decoded, sizeof(decoded), &path) != TS_OK) {
        return parser_expected(parser, word, "a path that begins with '/'");
    }
    memcpy(parser->lines.words[word], path.data, path.length);
    *out_path = (struct text){parser->lines.words[word], path.length};
    return true;
}
