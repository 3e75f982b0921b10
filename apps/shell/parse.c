// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "parse.h"

enum token { TOKEN_END, TOKEN_WORD, TOKEN_REDIRECT, TOKEN_OPERATOR };

struct parser {
    const char *next;     // behind the current token
    const char *start;    // of the current token
    const char *previous; // end of the token before
    enum token token;
    size_t length;
    const char *error;
};

static const char out_of_memory[] = "out of memory";

// Grows an array of `size`-byte elements by one zeroed element.
static void *append(struct parser *p, void *array, size_t *count, size_t size)
{
    char *larger = realloc(array, (*count + 1) * size);
    if (larger == NULL) {
        p->error = out_of_memory;
        return array;
    }
    memset(larger + *count * size, 0, size);
    (*count)++;
    return larger;
}

static char *copy(struct parser *p, const char *from, const char *end)
{
    size_t length = (size_t)(end - from);
    char *text = malloc(length + 1);
    if (text == NULL) {
        p->error = out_of_memory;
        return NULL;
    }
    memcpy(text, from, length);
    text[length] = '\0';
    return text;
}

// ---- tokens

static bool ends_word(char c)
{
    return c == '\0' || strchr(" \t\r\n;&|<>", c) != NULL;
}

// Behind a quoted part that begins at `at`, NULL when it does not end.
static const char *skip_quoted(const char *at)
{
    char quote = *at++;
    while (*at && *at != quote) {
        at += quote == '"' && *at == '\\' && at[1] ? 2 : 1;
    }
    return *at ? at + 1 : NULL;
}

static const char *skip_word(struct parser *p, const char *at)
{
    while (!ends_word(*at)) {
        if (*at == '\\') {
            if (!at[1]) {
                p->error = "missing character after \\";
                return at;
            }
            at += 2;
        } else if (*at == '\'' || *at == '"') {
            const char *end = skip_quoted(at);
            if (end == NULL) {
                p->error = *at == '"' ? "missing closing \"" : "missing closing '";
                return at;
            }
            at = end;
        } else {
            at++;
        }
    }
    return at;
}

static size_t operator_length(const char *at)
{
    if ((at[0] == '&' || at[0] == '|') && at[1] == at[0]) {
        return 2;
    }
    return 1;
}

// The length of a redirection's operator, 0 when there is none: [digit] ( < | > | >> | >& ).
static size_t redirection_length(const char *at)
{
    size_t digit = isdigit((unsigned char)at[0]) ? 1 : 0;
    if (at[digit] == '<') {
        return digit + 1;
    }
    if (at[digit] == '>') {
        return digit + (at[digit + 1] == '>' || at[digit + 1] == '&' ? 2 : 1);
    }
    return 0;
}

static void advance(struct parser *p)
{
    p->previous = p->next;
    const char *at = p->next;
    while (*at == ' ' || *at == '\t' || *at == '\r' || (at[0] == '\\' && at[1] == '\n')) {
        at += *at == '\\' ? 2 : 1;
    }
    if (*at == '#') {
        at += strcspn(at, "\n");
    }
    p->start = at;
    if (*at == '\0') {
        p->token = TOKEN_END;
    } else if (redirection_length(at)) {
        p->token = TOKEN_REDIRECT;
        at += redirection_length(at);
    } else if (ends_word(*at)) {
        p->token = TOKEN_OPERATOR;
        at += operator_length(at);
    } else {
        p->token = TOKEN_WORD;
        at = skip_word(p, at);
    }
    p->length = (size_t)(at - p->start);
    p->next = at;
}

static bool is_operator(const struct parser *p, const char *text)
{
    return p->token == TOKEN_OPERATOR && p->length == strlen(text) &&
           !memcmp(p->start, text, p->length);
}

static bool ends_sequence(const struct parser *p)
{
    return p->token == TOKEN_END || is_operator(p, ";") || is_operator(p, "\n") ||
           is_operator(p, "&");
}

// ---- grammar

static void parse_redirection(struct parser *p, struct command *command)
{
    const char *at = p->start;
    struct redirection new = {.fd = -1};
    if (isdigit((unsigned char)*at)) {
        new.fd = *at++ - '0';
    }
    if (*at == '<') {
        new.kind = REDIRECT_IN;
    } else {
        new.kind = at[1] == '>' ? REDIRECT_APPEND : at[1] == '&' ? REDIRECT_COPY : REDIRECT_OUT;
    }
    if (new.fd < 0) {
        new.fd = new.kind == REDIRECT_IN ? 0 : 1;
    }
    if (new.fd > 2) {
        p->error = "cannot redirect descriptors above 2";
        return;
    }
    advance(p);
    if (p->error != NULL) {
        return;
    }
    if (p->token != TOKEN_WORD) {
        p->error =
            new.kind == REDIRECT_IN ? "missing file name after <" : "missing file name after >";
        return;
    }
    bool digit = p->length == 1 && p->start[0] >= '0' && p->start[0] <= '2';
    if (new.kind == REDIRECT_COPY && !digit) {
        p->error = "expected 0, 1 or 2 after >&";
        return;
    }
    new.target = copy(p, p->start, p->next);
    command->redirections = append(p, command->redirections, &command->redirection_count,
                                   sizeof(*command->redirections));
    if (p->error != NULL) {
        free(new.target);
        return;
    }
    command->redirections[command->redirection_count - 1] = new;
    advance(p);
}

static void parse_word(struct parser *p, struct command *command)
{
    char *word = copy(p, p->start, p->next);
    char **words = realloc(command->words, (command->word_count + 2) * sizeof(*words));
    if (word == NULL || words == NULL) {
        p->error = out_of_memory;
        command->words = words != NULL ? words : command->words;
        free(word);
        return;
    }
    words[command->word_count++] = word;
    words[command->word_count] = NULL;
    command->words = words;
    advance(p);
}

static void parse_command(struct parser *p, struct command *command)
{
    const char *start = p->start;
    while (p->error == NULL && (p->token == TOKEN_WORD || p->token == TOKEN_REDIRECT)) {
        if (p->token == TOKEN_WORD) {
            parse_word(p, command);
        } else {
            parse_redirection(p, command);
        }
    }
    if (p->error == NULL && !command->word_count && !command->redirection_count) {
        p->error = "missing command";
    }
    if (p->error == NULL) {
        command->text = copy(p, start, p->previous);
    }
}

static void parse_pipeline(struct parser *p, struct pipeline *pipeline)
{
    for (;;) {
        pipeline->commands =
            append(p, pipeline->commands, &pipeline->count, sizeof(*pipeline->commands));
        if (p->error != NULL) {
            return;
        }
        parse_command(p, &pipeline->commands[pipeline->count - 1]);
        if (p->error != NULL || !is_operator(p, "|")) {
            return;
        }
        advance(p);
    }
}

static void parse_sequence(struct parser *p, struct sequence *sequence)
{
    const char *start = p->start;
    enum connector connector = CONNECT_FIRST;
    size_t connectors = 0;
    for (;;) {
        sequence->connectors =
            append(p, sequence->connectors, &connectors, sizeof(*sequence->connectors));
        if (p->error != NULL) {
            return;
        }
        sequence->pipelines =
            append(p, sequence->pipelines, &sequence->count, sizeof(*sequence->pipelines));
        if (p->error != NULL) {
            return;
        }
        sequence->connectors[connectors - 1] = connector;
        parse_pipeline(p, &sequence->pipelines[sequence->count - 1]);
        bool and = is_operator(p, "&&");
        if (p->error != NULL || (!and&&!is_operator(p, "||"))) {
            break;
        }
        connector = and? CONNECT_AND : CONNECT_OR;
        advance(p);
    }
    if (p->error == NULL) {
        sequence->text = copy(p, start, p->previous);
        sequence->background = is_operator(p, "&");
    }
}

static void parse(struct parser *p, struct script *script)
{
    advance(p);
    while (p->error == NULL) {
        while (is_operator(p, "\n")) {
            advance(p);
        }
        if (p->token == TOKEN_END || p->error != NULL) {
            return;
        }
        script->sequences =
            append(p, script->sequences, &script->count, sizeof(*script->sequences));
        if (p->error != NULL) {
            return;
        }
        parse_sequence(p, &script->sequences[script->count - 1]);
        if (p->error == NULL && !ends_sequence(p)) {
            p->error = "unexpected operator";
        }
        if (p->error == NULL && p->token != TOKEN_END) {
            advance(p);
        }
    }
}

const char *script_parse(const char *text, struct script *out)
{
    struct parser p = {.next = text};
    *out = (struct script){0};
    parse(&p, out);
    if (p.error != NULL) {
        script_free(out);
    }
    return p.error;
}

static void command_free(struct command *command)
{
    for (size_t i = 0; i < command->word_count; i++) {
        free(command->words[i]);
    }
    for (size_t i = 0; i < command->redirection_count; i++) {
        free(command->redirections[i].target);
    }
    free(command->words);
    free(command->redirections);
    free(command->text);
}

void script_free(struct script *script)
{
    for (size_t s = 0; s < script->count; s++) {
        struct sequence *sequence = &script->sequences[s];
        for (size_t p = 0; p < sequence->count; p++) {
            for (size_t c = 0; c < sequence->pipelines[p].count; c++) {
                command_free(&sequence->pipelines[p].commands[c]);
            }
            free(sequence->pipelines[p].commands);
        }
        free(sequence->pipelines);
        free(sequence->connectors);
        free(sequence->text);
    }
    free(script->sequences);
    *script = (struct script){0};
}
