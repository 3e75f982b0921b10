// SPDX-License-Identifier: MIT
#include "status_page.h"

#include <string.h>

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include <tessera/lib/op.h>

#include "httpd.h"

#define NAME_SYSTEM   "system"
#define PROCESSES_MAX 64u

static void row(struct writer *writer, struct text name, uint64_t value, struct text unit)
{
    write_string(writer, "<tr><th>");
    write_text(writer, name);
    write_string(writer, "<td>");
    write_number(writer, value);
    write_text(writer, unit);
    write_string(writer, "\n");
}

static void write_uptime(struct writer *writer, uint64_t seconds)
{
    write_string(writer, "<tr><th>up<td>");
    write_number(writer, seconds / 86400);
    write_string(writer, " d ");
    write_digits(writer, seconds / 3600 % 24, 2);
    write_string(writer, ":");
    write_digits(writer, seconds / 60 % 60, 2);
    write_string(writer, ":");
    write_digits(writer, seconds % 60, 2);
    write_string(writer, "\n");
}

static void write_system(struct writer *writer, ts_handle_t system)
{
    struct ts_system_statistics s;
    size_t length;
    if (ts_get(system, TS_PROPERTY_SYSTEM_STATISTICS, &s, sizeof(s), &length) != TS_OK ||
        length < sizeof(s)) {
        return;
    }
    row(writer, TEXT("CPUs"), s.cpus, TEXT(""));
    row(writer, TEXT("memory"), s.pages_total / 256, TEXT(" MiB"));
    row(writer, TEXT("memory free"), s.pages_free / 256, TEXT(" MiB"));
    row(writer, TEXT("memory of the kernel"), s.pages_kernel * 4, TEXT(" KiB"));
    row(writer, TEXT("requests between processes"), s.requests, TEXT(""));
    row(writer, TEXT("context switches"), s.switches, TEXT(""));
    row(writer, TEXT("bytes copied by the kernel"), s.bytes_copied, TEXT(""));
    row(writer, TEXT("interrupts"), s.interrupts, TEXT(""));
}

static void write_server(struct writer *writer)
{
    const struct httpd_statistics *s = &httpd.statistics;
    row(writer, TEXT("requests served"), s->requests, TEXT(""));
    row(writer, TEXT("of them refused"), s->refusals, TEXT(""));
    row(writer, TEXT("connections now"), connection_count(), TEXT(""));
    row(writer, TEXT("connections since the start"), s->connections, TEXT(""));
    row(writer, TEXT("of them gave way to others"), s->gave_way, TEXT(""));
    row(writer, TEXT("bytes sent"), s->bytes_sent, TEXT(""));
    row(writer, TEXT("files in the cache"), content_count(), TEXT(""));
    row(writer, TEXT("found in the cache"), s->cache_hits, TEXT(""));
    // One copy into the packet buffer, and one before it for content that is not mapped.
    uint64_t copied = s->bytes_sent + s->bytes_read;
    uint64_t hundredths = s->bytes_sent == 0 ? 100 : copied * 100 / s->bytes_sent;
    write_string(writer, "<tr><th>bytes copied per byte sent<td>");
    write_number(writer, hundredths / 100);
    write_string(writer, ".");
    write_digits(writer, hundredths % 100, 2);
    write_string(writer, "\n");
}

// One process, by the name that its job lists it under.
static void write_process(struct writer *writer, ts_handle_t system, const char *id)
{
    struct ts_process_statistics s;
    size_t length = 0;
    ts_handle_t process;
    if (ts_open(system, id, 0, TS_RIGHT_READ, &process) != TS_OK) {
        return; // it ended meanwhile
    }
    ts_status_t status = ts_get(process, TS_PROPERTY_PROCESS_STATISTICS, &s, sizeof(s), &length);
    ts_close(process);
    if (status != TS_OK || length < sizeof(s)) {
        return;
    }
    size_t name = 0;
    while (name < sizeof(s.name) && s.name[name] != '\0') {
        name++;
    }
    write_string(writer, "<tr><td>");
    write_number(writer, s.id);
    write_string(writer, "<td>");
    write_html(writer, (struct text){s.name, name});
    write_string(writer, "<td>");
    write_number(writer, s.pages * 4);
    write_string(writer, " KiB<td>");
    write_number(writer, s.handles);
    write_string(writer, "<td>");
    write_number(writer, s.threads);
    write_string(writer, "<td>");
    write_number(writer, s.cpu_ns / 1000000);
    write_string(writer, " ms<td>");
    write_number(writer, s.requests_served);
    write_string(writer, "\n");
}

// Kernel objects answer at once: this does not wait for anybody.
static void write_processes(struct writer *writer, ts_handle_t system)
{
    static uint64_t buffer[512]; // aligned as the entries want it
    size_t length = 0;
    uint64_t cookie = 0;
    write_string(writer, "</table></div><h2>Processes</h2><div "
                         "class=\"wide\"><table><tr><th>id<th>name<th>memory<th>handles"
                         "<th>threads<th>CPU<th>requests served\n");
    for (unsigned shown = 0;;) {
        ts_status_t status = ts_list(system, buffer, sizeof(buffer), cookie, &length);
        if (status != TS_OK || length == 0) {
            return;
        }
        for (size_t at = 0; at + sizeof(struct ts_file_entry) <= length;) {
            const struct ts_file_entry *entry = (const void *)((const char *)buffer + at);
            char id[24];
            if (entry->record_length < sizeof(*entry) || entry->name_length >= sizeof(id) ||
                ++shown > PROCESSES_MAX) {
                return;
            }
            memcpy(id, entry->name, entry->name_length);
            id[entry->name_length] = '\0';
            write_process(writer, system, id);
            cookie = entry->next;
            at += entry->record_length;
        }
    }
}

bool status_page(struct connection *connection)
{
    char *page = response_page_take(connection);
    ts_handle_t system = ts_named_handle(NAME_SYSTEM);
    if (page == NULL) {
        return false;
    }
    struct writer writer = writer_make(page, RESPONSE_PAGE);
    write_string(&writer, "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n"
                          "<meta name=\"viewport\" content=\"width=device-width\">\n"
                          "<title>Tessera: status</title>\n"
                          "<link rel=\"stylesheet\" href=\"/style.css\">\n"
                          "<main class=\"status\"><p><a href=\"/\">Tessera</a></p>\n"
                          "<h1>Status</h1>\n<div class=\"wide\"><table>\n");
    write_uptime(&writer, (uint64_t)(ts_clock_now() / TS_SECOND));
    if (system != TS_HANDLE_NONE) {
        write_system(&writer, system);
    }
    write_server(&writer);
    if (system != TS_HANDLE_NONE) {
        write_processes(&writer, system);
    }
    write_string(&writer, "</table></div></main></html>\n");
    respond_page(connection, page, writer.length, TEXT("no-store"));
    return true;
}
