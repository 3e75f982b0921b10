// SPDX-License-Identifier: MIT
#include <string.h>
#include <tessera/lib/lines.h>

void ts_lines_begin(struct ts_lines *lines, char *text, size_t length)
{
    *lines = (struct ts_lines){.next = text, .end = text + length, .start = text};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static const char *wrong(struct ts_lines *lines, char *at, const char *what)
{
    lines->wrong_at = at;
    return what;
}

// Cuts the line into words, in place; what is wrong with it.
static const char *split(struct ts_lines *lines)
{
    char *next = lines->start;
    while (*next) {
        while (is_blank(*next)) {
            *next++ = '\0';
        }
        if (!*next || *next == '#') {
            break;
        }
        if (lines->count == TS_LINE_WORDS) {
            return wrong(lines, next, "more than 64 words in a line");
        }
        bool quoted = *next == '"';
        next += quoted;
        char *word = next;
        while (*next && (quoted ? *next != '"' : !is_blank(*next))) {
            next++;
        }
        if (quoted && !*next) {
            return wrong(lines, word - 1, "missing closing quote");
        }
        if (quoted) {
            *next++ = '\0';
        }
        lines->words[lines->count++] = word;
    }
    *next = '\0';
    return NULL;
}

bool ts_lines_next(struct ts_lines *lines)
{
    lines->count = 0;
    lines->wrong = NULL;
    while (lines->next < lines->end && lines->wrong == NULL && lines->count == 0) {
        char *newline = memchr(lines->next, '\n', (size_t)(lines->end - lines->next));
        char *line_end = newline != NULL ? newline : lines->end;
        *line_end = '\0';
        lines->start = lines->next;
        lines->number++;
        char *zero = lines->start + strlen(lines->start);
        lines->wrong = zero != line_end ? wrong(lines, zero, "a zero byte") : split(lines);
        lines->next = line_end + 1;
    }
    return lines->wrong != NULL || lines->count > 0;
}

unsigned ts_lines_column(const struct ts_lines *lines, uint32_t word)
{
    const char *at = lines->start;
    if (word < lines->count) {
        at = lines->words[word];
        return (unsigned)(at - lines->start) + (at == lines->start || at[-1] != '"');
    }
    if (lines->wrong != NULL) {
        at = lines->wrong_at;
    } else if (lines->count > 0) {
        const char *last = lines->words[lines->count - 1];
        at = last + strlen(last) + (last > lines->start && last[-1] == '"');
    }
    return (unsigned)(at - lines->start) + 1;
}
