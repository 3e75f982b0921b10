// SPDX-License-Identifier: MIT
// /drv/screen: consoles on the screen that the boot loader left. Named handles: framebuffer (a
// resource that is its memory), boot (what it looks like), log with READ and MANAGE, system (the
// root job, of which it reads how much memory there is), init. Without a screen it ends, and on a
// machine that needs its memory for serving.
//
// Each file knows only those above it:
//
//   palette    the sixteen colours
//   cell       a place of a character
//   font       glyphs, and the size of them that a screen gets
//   ega        a cell of the text mode
//   canvas     video memory
//   history    lines that have left a terminal at its top
//   grid       what a terminal shows now, and what of that has changed
//   terminal   escape sequences: libvterm above a grid
//   view       what of a terminal the screen shows
//   screen     the consoles, which of them is in front, and when it is drawn
//   journal    the system's log
//   main       the program
#include <drivers/service/ready.h>
#include <tessera/abi/bootstrap.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/resource.h>
#include "journal.h"

#define MEMORY_LEAST (UINT64_C(28) << 20) // bytes of RAM; the pages of a site need 24 MiB alone

static struct ts_loop loop;
static struct screen screen;
static struct journal journal;

static struct canvas_mode mode_of(const struct ts_boot_information *boot)
{
    return (struct canvas_mode){
        .text = boot->framebuffer_text,
        .width = boot->framebuffer_width,
        .height = boot->framebuffer_height,
        .pitch = boot->framebuffer_pitch,
        .bits = boot->framebuffer_bits,
        .red = {boot->red_position, boot->red_size},
        .green = {boot->green_position, boot->green_size},
        .blue = {boot->blue_position, boot->blue_size},
    };
}

// Maps video memory: write-combining, as it is only written.
static ts_status_t map_screen(const struct canvas_mode *mode, uint64_t base, void **out_memory)
{
    ts_handle_t resource = ts_named_handle(TS_NAME_FRAMEBUFFER), memory;
    uint64_t first = base & ~(uint64_t)(TS_PAGE_SIZE - 1), inside = base - first;
    uint64_t length = TS_PAGE_ROUND(inside + canvas_size(mode));
    void *address;
    ts_status_t status = !resource                ? TS_ERR_NOT_FOUND
                         : canvas_size(mode) == 0 ? TS_ERR_UNSUPPORTED
                                                  : TS_OK;
    if (status == TS_OK) {
        status = ts_resource_memory(resource, first, length, TS_CACHE_WRITE_COMBINE, &memory);
    }
    if (status != TS_OK) {
        return status;
    }
    status = ts_memory_map(memory, NULL, length, 0, TS_MAP_READ | TS_MAP_WRITE, &address);
    ts_close(memory);
    *out_memory = (char *)address + inside;
    return status;
}

static ts_status_t open_canvas(struct canvas *out_canvas)
{
    void *boot, *memory;
    ts_status_t status =
        ts_memory_map(ts_named_handle(TS_NAME_BOOT), NULL, TS_PAGE_SIZE, 0, TS_MAP_READ, &boot);
    if (status != TS_OK) {
        return status;
    }
    const struct ts_boot_information *information = boot;
    struct canvas_mode mode = mode_of(information);
    status = map_screen(&mode, information->framebuffer_base, &memory);
    return status != TS_OK ? status : canvas_init(out_canvas, &mode, memory);
}

static bool memory_is_scarce(void)
{
    struct ts_system_statistics statistics;
    size_t bytes;
    ts_status_t status = ts_get(ts_named_handle("system"), TS_PROPERTY_SYSTEM_STATISTICS,
                                &statistics, sizeof(statistics), &bytes);
    return status == TS_OK && bytes == sizeof(statistics) &&
           statistics.pages_total < MEMORY_LEAST / TS_PAGE_SIZE;
}

static ts_status_t start(const struct canvas *canvas, ts_handle_t *out_root)
{
    ts_status_t status = ts_loop_init(&loop, 64, 256, 64);
    if (status == TS_OK) {
        status = screen_start(&screen, &loop, canvas, out_root);
    }
    if (status == TS_OK) {
        journal_start(&journal, &screen, ts_named_handle(TS_NAME_LOG));
    }
    return status;
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct canvas canvas;
    if (memory_is_scarce()) {
        ts_log("no console on the screen: too little memory");
        return 0;
    }
    ts_status_t status = open_canvas(&canvas);
    if (status != TS_OK) { // the next instance would find the same
        ts_log("no console on the screen: %s",
               status == TS_ERR_NOT_FOUND ? "there is none" : ts_status_name(status));
        return 0;
    }
    ts_handle_t root = TS_HANDLE_NONE;
    status = start(&canvas, &root);
    return service_run(status, &screen.server, root);
}
