// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "expand.h"

// Takes the word. False: out of memory.
static bool words_add(struct words *words, char *word)
{
    char **larger = realloc(words->list, (words->count + 2) * sizeof(*larger));
    if (larger == NULL) {
        free(word);
        return false;
    }
    words->list = larger;
    words->list[words->count++] = word;
    words->list[words->count] = NULL;
    return true;
}

struct expansion {
    lookup_t lookup;
    struct words *out; // NULL: no splitting
    char *text;        // the argument that is being built
    size_t length, capacity;
    bool present; // it has text or quotes
    bool failed;
};

static void put(struct expansion *e, char c)
{
    if (e->length + 1 >= e->capacity) {
        size_t capacity = e->capacity ? e->capacity * 2 : 32;
        char *larger = realloc(e->text, capacity);
        if (larger == NULL) {
            e->failed = true;
            return;
        }
        e->text = larger;
        e->capacity = capacity;
    }
    e->text[e->length++] = c;
    e->text[e->length] = '\0';
    e->present = true;
}

static char *take(struct expansion *e)
{
    char *text = e->text != NULL ? e->text : calloc(1, 1);
    e->failed |= text == NULL;
    e->text = NULL;
    e->length = e->capacity = 0;
    e->present = false;
    return text;
}

static void finish_argument(struct expansion *e)
{
    if (e->present && !e->failed) {
        char *text = take(e);
        if (text != NULL && !words_add(e->out, text)) {
            e->failed = true;
        }
    }
}

static void put_value(struct expansion *e, const char *value, bool quoted)
{
    for (; value != NULL && *value; value++) {
        bool blank = *value == ' ' || *value == '\t' || *value == '\n';
        if (blank && !quoted && e->out != NULL) {
            finish_argument(e);
        } else {
            put(e, *value);
        }
    }
}

static bool name_sign(char c, bool first)
{
    return c == '_' || isalpha((unsigned char)c) || (!first && isdigit((unsigned char)c));
}

// `at` is behind the '$'. Returns what follows the name; a '$' before no name is itself.
static const char *variable(struct expansion *e, const char *at, bool quoted)
{
    const char *name = at;
    size_t length = 0;
    if (*at == '{') {
        length = strcspn(++name, "}");
        if (!name[length] || !length) {
            put(e, '$');
            return at;
        }
        at = name + length + 1;
    } else if (*at && strchr("?$!#@", *at) != NULL) {
        length = 1;
        at++;
    } else if (isdigit((unsigned char)*at)) {
        length = 1;
        at++;
    } else {
        while (name_sign(name[length], length == 0)) {
            length++;
        }
        at += length;
    }
    if (length) {
        put_value(e, e->lookup(name, length), quoted);
    } else {
        put(e, '$');
    }
    return at;
}

static const char *double_quoted(struct expansion *e, const char *at)
{
    e->present = true;
    while (*at && *at != '"') {
        if (*at == '\\' && at[1] && strchr("\\\"$", at[1]) != NULL) {
            put(e, at[1]);
            at += 2;
        } else if (*at == '$') {
            at = variable(e, at + 1, true);
        } else {
            put(e, *at++);
        }
    }
    return *at ? at + 1 : at;
}

static const char *single_quoted(struct expansion *e, const char *at)
{
    e->present = true;
    while (*at && *at != '\'') {
        put(e, *at++);
    }
    return *at ? at + 1 : at;
}

static void expand(struct expansion *e, const char *at)
{
    while (*at && !e->failed) {
        switch (*at) {
        case '"': at = double_quoted(e, at + 1); break;
        case '\'': at = single_quoted(e, at + 1); break;
        case '$': at = variable(e, at + 1, false); break;
        case '\\':
            if (at[1] && at[1] != '\n') { // an escaped newline is nothing
                put(e, at[1]);
            }
            at += at[1] ? 2 : 1;
            break;
        default: put(e, *at++); break;
        }
    }
}

bool expand_word(const char *word, lookup_t lookup, struct words *out)
{
    struct expansion e = {.lookup = lookup, .out = out};
    expand(&e, word);
    finish_argument(&e);
    free(e.text);
    return !e.failed;
}

char *expand_single(const char *word, lookup_t lookup)
{
    struct expansion e = {.lookup = lookup};
    expand(&e, word);
    char *text = e.failed ? NULL : take(&e);
    free(e.text);
    return text;
}

void words_free(struct words *words)
{
    for (size_t i = 0; i < words->count; i++) {
        free(words->list[i]);
    }
    free(words->list);
    *words = (struct words){0};
}

size_t assignment_name(const char *word)
{
    size_t length = 0;
    while (name_sign(word[length], length == 0)) {
        length++;
    }
    return word[length] == '=' ? length : 0;
}
