// SPDX-License-Identifier: MIT
// The configuration, /etc/httpd.conf: what is served how. docs/howto/configure-httpd.md shows it.
//
// A line is a statement, of words as ipc/lib/lines.h has them. Statements after `host NAME…` belong
// to that host, those before the first to the default one, which answers all that name no other.
// Nothing is handed down from one host to another.
//
//   host NAME…                   NAME, or *.NAME for all below NAME. Exact names come first, then
//                                the longest.
//     root /PATH                 of the content: what this host serves. Default: all
//     compressed CODING…         of gzip (file.gz), br (file.br), those that are preferred first:
//                                instead of a file what is beside it, where a client wants it
//     listing on | off           a directory without index.html is shown as a list. Default: off
//     status on | off            the page /status. Default: on for the default host
//     error STATUS /PATH         the page for this error
//     redirect STATUS FROM TO    STATUS is 301, 302, 307 or 308. FROM is /PATH or /PATH/*; TO is a
//                                path or an http address, which ends in * when FROM does: the rest
//                                comes there. The query is kept
//     cache PATTERN DIRECTIVE…   Cache-Control of files; PATTERN is /PATH, /PATH/* or *.EXTENSION
//   log size SIZE keep N         the access log is put away at this size (64K, 1M), and so many
//                                older ones are kept. With the default host's
//
// Paths are written as in a URL. Of several redirects or patterns the first that fits is taken.
// Whatever is said twice, not known or not in its limits (limits.h) is an error, and of a file with
// an error nothing is taken.
#pragma once

#include "http/coding.h"
#include "limits.h"

// A path as path_decode makes them: without the first '/'.
struct path_pattern {
    enum { PATTERN_EXACT, PATTERN_PREFIX, PATTERN_SUFFIX } kind;
    uint16_t line;
    struct text text; // "a/b", "a/" of "/a/*", ".css" of "*.css"
};

struct redirect {
    struct path_pattern from;
    struct text to; // without its '*'
    unsigned status;
};

struct cache_rule {
    struct path_pattern pattern;
    struct text value;
};

struct error_page {
    unsigned status;
    uint16_t line;
    struct text path; // as path_decode makes them
};

struct host_name {
    struct text name; // of "*.a.b": ".a.b"
    bool below;
    uint16_t host, line;
};

// Part of a table of all hosts.
struct config_part {
    uint16_t first, count;
};

struct host {
    struct text root; // ends in '/', or is empty
    struct config_part redirects, caches, errors;
    uint8_t codings[HTTP_CODINGS], coding_count; // enum http_coding, in order
    bool listing, status;
};

struct config {
    uint32_t users; // that answer by it; it stays meanwhile
    uint16_t host_count, name_count, redirect_count, cache_count, error_count;
    uint32_t log_size, log_keep;         // size 0: as without a configuration
    struct host hosts[CONFIG_HOSTS + 1]; // the default one first
    struct host_name names[CONFIG_NAMES];
    struct redirect redirects[CONFIG_REDIRECTS];
    struct cache_rule caches[CONFIG_CACHES];
    struct error_page errors[CONFIG_ERRORS];
    char text[CONFIG_BYTES + 1]; // the file; what the tables point to
};

// What a configuration is that nothing was said in; all else of it is zero.
void config_init(struct config *config);

// Takes the file, the `length` bytes of config->text, which are changed. `config` is as config_init
// left it. False: there is an error, and `message` says "LINE:COLUMN: what", with a zero.
bool config_parse(struct config *config, size_t length, char message[CONFIG_MESSAGE]);

// ---- Looking up

// The host that answers for a name, which may be empty or none at all.
const struct host *config_host(const struct config *config, struct text name);

// `path` is what the client asks for, decoded, without the host's root. NULL: no redirect.
const struct redirect *config_redirect(const struct config *config, const struct host *host,
                                       struct text path);
// Where it leads, as a Location has it; `query` is as it was sent.
void redirect_write(struct writer *writer, const struct redirect *redirect, struct text path,
                    struct text query);

struct text config_cache(const struct config *config, const struct host *host, struct text path);

// The page for an error, below the host's root. NULL: there is none.
const struct error_page *config_error_page(const struct config *config, const struct host *host,
                                           unsigned status);
