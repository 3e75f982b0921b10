// SPDX-License-Identifier: MIT
// /drv/screen: consoles on the screen that the boot loader left. Named handles: framebuffer (a
// resource that is its memory), boot (what it looks like), log with READ and MANAGE, input (the
// class of keyboards' drivers), keymaps (the folder of layouts), init. Without a screen it ends.
//
// Each file knows only those above it:
//
//   palette    the sixteen colours
//   font       glyphs, and the size of them that a screen gets
//   ega        a cell of the text mode
//   canvas     video memory
//   history    lines that have left a terminal at its top
//   grid       what a terminal shows now, and what of that has changed
//   terminal   escape sequences: libvterm above a grid
//   view       what of a terminal the screen shows
//   screen     the consoles, which of them is in front, and when it is drawn
//   journal    the system's log
//   keyboards  what is typed
//   main       the program
#include <drivers/service/ready.h>
#include <string.h>
#include <tessera/abi/bootstrap.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/lib/resource.h>
#include "journal.h"
#include "keyboards.h"

static struct ts_boot_information boot;
static struct ts_loop loop;
static struct screen screen;
static struct journal journal;
static struct keyboards keyboards;

static struct canvas_mode mode_of(const struct ts_boot_information *information)
{
    return (struct canvas_mode){
        .text = information->framebuffer_text,
        .width = information->framebuffer_width,
        .height = information->framebuffer_height,
        .pitch = information->framebuffer_pitch,
        .bits = information->framebuffer_bits,
        .red = {information->red_position, information->red_size},
        .green = {information->green_position, information->green_size},
        .blue = {information->blue_position, information->blue_size},
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
    void *memory;
    ts_handle_t handle = ts_named_handle(TS_NAME_BOOT);
    ts_status_t status = handle ? ts_read_all(handle, &boot, sizeof(boot), 0) : TS_ERR_NOT_FOUND;
    if (status == TS_OK && boot.version != TS_BOOT_INFORMATION_VERSION) {
        status = TS_ERR_VERSION;
    }
    if (status != TS_OK) {
        return status;
    }
    struct canvas_mode mode = mode_of(&boot);
    status = map_screen(&mode, boot.framebuffer_base, &memory);
    return status != TS_OK ? status : canvas_init(out_canvas, &mode, memory);
}

// The value of keymap= on the kernel's command line, ended in place; NULL: there is none.
static const char *asked_layout(void)
{
    static const char word[] = "keymap=";
    boot.command_line[sizeof(boot.command_line) - 1] = '\0';
    char *at = boot.command_line;
    while ((at = strstr(at, word)) != NULL && at != boot.command_line && at[-1] != ' ') {
        at++;
    }
    if (at == NULL) {
        return NULL;
    }
    at += sizeof(word) - 1;
    at[strcspn(at, " ")] = '\0';
    return at;
}

static ts_status_t start(const struct canvas *canvas, ts_handle_t *out_root)
{
    ts_status_t status = ts_loop_init(&loop, 64, 256, 64);
    if (status == TS_OK) {
        status = screen_start(&screen, &loop, canvas, out_root);
    }
    if (status == TS_OK) {
        journal_start(&journal, &screen, ts_named_handle(TS_NAME_LOG));
        keyboards_start(&keyboards, &screen, ts_named_handle("input"), ts_named_handle("keymaps"),
                        asked_layout());
    }
    return status;
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct canvas canvas;
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
