// SPDX-License-Identifier: MIT
// The shell's grammar. Text in, a tree out; nothing is looked up or run here.
//
//   script    sequence { (';' | '&' | newline) sequence }
//   sequence  pipeline { ('&&' | '||') pipeline }        run in the background when '&' follows
//   pipeline  command { '|' command }
//   command   words and redirections: < > >> 2> 2>> n>&m, with '#' beginning a comment
//
// Words keep their quotes and '$': expand.h takes them away when the command runs.
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum redirection_kind { REDIRECT_IN, REDIRECT_OUT, REDIRECT_APPEND, REDIRECT_COPY };

struct redirection {
    enum redirection_kind kind;
    int fd;
    char *target; // a word; COPY: the other descriptor's number
};

struct command {
    char **words; // NULL-terminated
    size_t word_count;
    struct redirection *redirections;
    size_t redirection_count;
    char *text; // as written
};

struct pipeline {
    struct command *commands; // at least one
    size_t count;
};

enum connector { CONNECT_FIRST, CONNECT_AND, CONNECT_OR };

struct sequence {
    struct pipeline *pipelines; // at least one
    enum connector *connectors; // how each follows the one before
    size_t count;
    bool background;
    char *text;
};

struct script {
    struct sequence *sequences;
    size_t count;
};

// NULL on success; else what is wrong, in words (nothing is left to free then). An empty script is
// one without sequences.
const char *script_parse(const char *text, struct script *out);
void script_free(struct script *script);
