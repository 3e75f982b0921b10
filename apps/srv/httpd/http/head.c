// SPDX-License-Identifier: MIT
#include "head.h"

#include "date.h"

struct text http_reason(unsigned status)
{
    static const struct {
        unsigned status;
        struct text reason;
    } known[] = {
        {200, TEXT("OK")},
        {204, TEXT("No Content")},
        {206, TEXT("Partial Content")},
        {301, TEXT("Moved Permanently")},
        {302, TEXT("Found")},
        {304, TEXT("Not Modified")},
        {307, TEXT("Temporary Redirect")},
        {308, TEXT("Permanent Redirect")},
        {400, TEXT("Bad Request")},
        {403, TEXT("Forbidden")},
        {404, TEXT("Not Found")},
        {405, TEXT("Method Not Allowed")},
        {406, TEXT("Not Acceptable")},
        {408, TEXT("Request Timeout")},
        {412, TEXT("Precondition Failed")},
        {413, TEXT("Content Too Large")},
        {414, TEXT("URI Too Long")},
        {416, TEXT("Range Not Satisfiable")},
        {417, TEXT("Expectation Failed")},
        {431, TEXT("Request Header Fields Too Large")},
        {500, TEXT("Internal Server Error")},
        {501, TEXT("Not Implemented")},
        {503, TEXT("Service Unavailable")},
        {505, TEXT("HTTP Version Not Supported")},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].status == status) {
            return known[i].reason;
        }
    }
    return TEXT("Unknown");
}

struct text http_media_type(struct text path)
{
    static const struct {
        struct text extension, type;
    } known[] = {
        {TEXT("html"), TEXT("text/html; charset=utf-8")},
        {TEXT("htm"), TEXT("text/html; charset=utf-8")},
        {TEXT("css"), TEXT("text/css; charset=utf-8")},
        {TEXT("js"), TEXT("text/javascript; charset=utf-8")},
        {TEXT("mjs"), TEXT("text/javascript; charset=utf-8")},
        {TEXT("json"), TEXT("application/json")},
        {TEXT("txt"), TEXT("text/plain; charset=utf-8")},
        {TEXT("md"), TEXT("text/markdown; charset=utf-8")},
        {TEXT("c"), TEXT("text/plain; charset=utf-8")},
        {TEXT("h"), TEXT("text/plain; charset=utf-8")},
        {TEXT("csv"), TEXT("text/csv; charset=utf-8")},
        {TEXT("xml"), TEXT("application/xml")},
        {TEXT("svg"), TEXT("image/svg+xml")},
        {TEXT("png"), TEXT("image/png")},
        {TEXT("jpg"), TEXT("image/jpeg")},
        {TEXT("jpeg"), TEXT("image/jpeg")},
        {TEXT("gif"), TEXT("image/gif")},
        {TEXT("webp"), TEXT("image/webp")},
        {TEXT("avif"), TEXT("image/avif")},
        {TEXT("ico"), TEXT("image/x-icon")},
        {TEXT("woff"), TEXT("font/woff")},
        {TEXT("woff2"), TEXT("font/woff2")},
        {TEXT("ttf"), TEXT("font/ttf")},
        {TEXT("otf"), TEXT("font/otf")},
        {TEXT("wasm"), TEXT("application/wasm")},
        {TEXT("pdf"), TEXT("application/pdf")},
        {TEXT("zip"), TEXT("application/zip")},
        {TEXT("gz"), TEXT("application/gzip")},
        {TEXT("mp3"), TEXT("audio/mpeg")},
        {TEXT("ogg"), TEXT("audio/ogg")},
        {TEXT("wav"), TEXT("audio/wav")},
        {TEXT("mp4"), TEXT("video/mp4")},
        {TEXT("webm"), TEXT("video/webm")},
    };
    size_t dot = path.length;
    while (dot > 0 && path.data[dot - 1] != '.' && path.data[dot - 1] != '/') {
        dot--;
    }
    struct text extension = {0};
    if (dot > 0 && path.data[dot - 1] == '.') {
        extension = (struct text){path.data + dot, path.length - dot};
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (text_equal_fold(extension, known[i].extension)) {
            return known[i].type;
        }
    }
    return TEXT("application/octet-stream");
}

// A name comes with its colon and space.
static void write_field(struct writer *writer, struct text name, struct text value)
{
    if (value.length == 0) {
        return;
    }
    write_text(writer, name);
    write_text(writer, value);
    write_string(writer, "\r\n");
}

static void write_date_field(struct writer *writer, struct text name, int64_t seconds)
{
    write_text(writer, name);
    date_write(writer, seconds);
    write_string(writer, "\r\n");
}

static void write_content_range(struct writer *writer, const struct http_head *head)
{
    write_string(writer, "Content-Range: bytes ");
    if (head->status == 206) {
        write_number(writer, head->range_first);
        write_string(writer, "-");
        write_number(writer, head->range_first + (uint64_t)head->content_length - 1);
    } else {
        write_string(writer, "*");
    }
    write_string(writer, "/");
    write_number(writer, head->whole_size);
    write_string(writer, "\r\n");
}

void http_head_write(struct writer *writer, const struct http_head *head)
{
    write_string(writer, "HTTP/1.1 ");
    const char digits[4] = {(char)('0' + head->status / 100 % 10),
                            (char)('0' + head->status / 10 % 10), (char)('0' + head->status % 10),
                            ' '};
    write_text(writer, (struct text){digits, sizeof(digits)});
    write_text(writer, http_reason(head->status));
    write_string(writer, "\r\nServer: Tessera\r\n");
    write_date_field(writer, TEXT("Date: "), head->now);
    if (!head->keep_alive) {
        write_string(writer, "Connection: close\r\n");
    } else if (head->minor0) {
        write_string(writer, "Connection: keep-alive\r\n");
    }
    if (head->content_length >= 0) {
        write_string(writer, "Content-Length: ");
        write_number(writer, (uint64_t)head->content_length);
        write_string(writer, "\r\n");
    }
    write_field(writer, TEXT("Content-Type: "), head->content_type);
    write_field(writer, TEXT("Content-Encoding: "), head->content_encoding);
    if (head->varies) {
        write_string(writer, "Vary: Accept-Encoding\r\n");
    }
    write_field(writer, TEXT("ETag: "), head->etag);
    if (head->modified >= 0) {
        write_date_field(writer, TEXT("Last-Modified: "), head->modified);
    }
    write_field(writer, TEXT("Cache-Control: "), head->cache_control);
    write_field(writer, TEXT("Location: "), head->location);
    write_field(writer, TEXT("Allow: "), head->allow);
    if (head->accept_ranges) {
        write_string(writer, "Accept-Ranges: bytes\r\n");
    }
    if (head->status == 416 || (head->status == 206 && !head->parts)) {
        write_content_range(writer, head);
    }
    write_string(writer, "\r\n");
}

void http_error_page(struct writer *writer, unsigned status, struct text detail)
{
    write_string(writer, "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>");
    write_number(writer, status);
    write_string(writer, " ");
    write_html(writer, http_reason(status));
    write_string(writer,
                 "</title>\n<style>body{font:16px/1.5 system-ui,sans-serif;margin:15vh auto;"
                 "max-width:32em;padding:0 1em;color-scheme:light dark}</style>\n<h1>");
    write_number(writer, status);
    write_string(writer, "</h1>\n<p>");
    write_html(writer, http_reason(status));
    if (detail.length > 0) {
        write_string(writer, ": <code>");
        write_html(writer, detail);
        write_string(writer, "</code>");
    }
    write_string(writer, "</p>\n</html>\n");
}

// Bytes that the log shows as they are: printable ones but for the quote and the backslash.
static const bool plain[256] = {[' ' ... '!'] = true, ['#' ... '['] = true, [']' ... '~'] = true};

static void write_log_text(struct writer *writer, struct text text)
{
    size_t start = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (plain[c]) {
            continue;
        }
        const char *hex = "0123456789abcdef";
        char shown[4] = {'\\', 'x', hex[c >> 4], hex[c & 15]};
        write_text(writer, (struct text){text.data + start, i - start});
        write_text(writer, (struct text){shown, 4});
        start = i + 1;
    }
    write_text(writer, (struct text){text.data + start, text.length - start});
}

void http_log_line(struct writer *writer, struct text peer, int64_t now, struct text line,
                   unsigned status, uint64_t bytes)
{
    const size_t shown = 512; // of the request line, so that the log's lines stay bounded
    write_text(writer, peer.length > 0 ? peer : TEXT("-"));
    write_string(writer, " - - [");
    date_write_log(writer, now);
    write_string(writer, "] \"");
    if (line.length > 0) {
        write_log_text(writer, (struct text){line.data, line.length < shown ? line.length : shown});
    } else {
        write_string(writer, "-");
    }
    write_string(writer, "\" ");
    write_number(writer, status);
    write_string(writer, " ");
    write_number(writer, bytes);
    write_string(writer, "\n");
}
