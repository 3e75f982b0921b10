// SPDX-License-Identifier: MIT
// Reading what the boot loader left. It is checked as a stranger's data would be: a tag that does
// not fit is skipped, a value out of range is not used.
#include "boot.h"
#include "multiboot.h"

#include <arch/memory.h>
#include <log.h>
#include <string.h>

#define INFORMATION_MAX (1u << 20)
#define ADDRESS_MAX     (UINT64_C(1) << 46) // size of the direct map

struct boot_info boot_info;

static void copy_string(char *to, size_t size, const char *from, size_t length)
{
    size_t i = 0;
    for (; i < size - 1 && i < length && from[i]; i++) {
        to[i] = from[i];
    }
    to[i] = '\0';
}

static void read_module(const struct multiboot_module *module)
{
    if (module->tag.size < sizeof(*module) || module->end <= module->start ||
        (module->start & PAGE_MASK)) {
        log_warn("boot: a module with a bad range is ignored");
        return;
    }
    if (boot_info.module_count == BOOT_MODULE_MAX) {
        log_warn("boot: more than %d modules", BOOT_MODULE_MAX);
        return;
    }
    struct boot_module *to = &boot_info.modules[boot_info.module_count++];
    to->base = module->start;
    to->size = module->end - module->start;
    copy_string(to->name, sizeof(to->name), module->text, module->tag.size - sizeof(*module));
}

static void read_map(const struct multiboot_map *map)
{
    if (map->tag.size < sizeof(*map) || map->entry_size < sizeof(struct multiboot_map_entry)) {
        return;
    }
    uint32_t count = (map->tag.size - (uint32_t)sizeof(*map)) / map->entry_size;
    const char *at = (const char *)(map + 1);
    for (uint32_t i = 0; i < count; i++, at += map->entry_size) {
        struct multiboot_map_entry entry;
        memcpy(&entry, at, sizeof(entry)); // their size may be anything
        if (!entry.size || entry.base >= ADDRESS_MAX) {
            continue;
        }
        uint64_t size = entry.size;
        if (size > ADDRESS_MAX - entry.base) {
            size = ADDRESS_MAX - entry.base;
        }
        enum boot_memory_kind kind = entry.type == 1                      ? BOOT_MEMORY_RAM
                                     : entry.type == 3 || entry.type == 4 ? BOOT_MEMORY_FIRMWARE
                                                                          : BOOT_MEMORY_RESERVED;
        boot_range_add(entry.base, size, kind);
    }
}

static bool colour_ok(const struct multiboot_framebuffer *f, uint8_t position, uint8_t size)
{
    return size >= 1 && size <= 8 && position + size <= f->bits_per_pixel;
}

#define TEXT_BITS 16u // a cell of text
#define SIDE_MAX  16384u

static bool pixels_ok(const struct multiboot_framebuffer *f)
{
    uint8_t bits = f->bits_per_pixel;
    return (bits == 15 || bits == 16 || bits == 24 || bits == 32) &&
           colour_ok(f, f->red_position, f->red_size) &&
           colour_ok(f, f->green_position, f->green_size) &&
           colour_ok(f, f->blue_position, f->blue_size);
}

static void read_framebuffer(const struct multiboot_framebuffer *f)
{
    // Of text the tag ends before the colours.
    bool text = f->type == MULTIBOOT_FRAMEBUFFER_TEXT;
    size_t size = text ? offsetof(struct multiboot_framebuffer, red_position) : sizeof(*f);
    if (f->tag.size < size || (f->type != MULTIBOOT_FRAMEBUFFER_RGB && !text)) {
        return;
    }
    uint32_t bytes = text ? TEXT_BITS / 8 : (f->bits_per_pixel + 7u) / 8;
    if (!f->address || f->address >= ADDRESS_MAX || !f->width || !f->height ||
        f->width > SIDE_MAX || f->height > SIDE_MAX || f->pitch > SIDE_MAX * 8 ||
        f->pitch < f->width * bytes || (!text && !pixels_ok(f))) {
        log_warn("boot: a framebuffer of unknown form is not used");
        return;
    }
    boot_info.framebuffer = (struct boot_framebuffer){
        .base = f->address,
        .width = f->width,
        .height = f->height,
        .pitch = f->pitch,
        .text = text,
        .bits_per_pixel = text ? TEXT_BITS : f->bits_per_pixel,
    };
    if (!text) {
        struct boot_framebuffer *to = &boot_info.framebuffer;
        to->red_position = f->red_position;
        to->red_size = f->red_size;
        to->green_position = f->green_position;
        to->green_size = f->green_size;
        to->blue_position = f->blue_position;
        to->blue_size = f->blue_size;
    }
}

// What would be drawn must be memory of no other kind: the kernel itself draws there.
static void check_framebuffer(void)
{
    struct boot_framebuffer *f = &boot_info.framebuffer;
    uint64_t end = f->base + (uint64_t)f->pitch * f->height; // of 46 and 31 bits
    for (uint32_t i = 0; i < boot_info.range_count; i++) {
        const struct boot_range *range = &boot_info.ranges[i];
        bool meets = f->base < range->base + range->size && range->base < end;
        if (meets && range->kind != BOOT_MEMORY_RESERVED) {
            log_warn("boot: a framebuffer over memory, at %#lx, is not used",
                     (unsigned long)f->base);
            *f = (struct boot_framebuffer){0};
            return;
        }
    }
}

// The loader's copy of the root pointer lies in memory that is reused; acpi.c reads its contents
// from `acpi_root_copy` instead.
uint8_t acpi_root_copy[36];

static void read_acpi(const struct multiboot_tag *tag, size_t length)
{
    if (tag->size - sizeof(*tag) < length) {
        return;
    }
    memset(acpi_root_copy, 0, sizeof(acpi_root_copy));
    memcpy(acpi_root_copy, tag + 1, length);
}

static void read_tag(const struct multiboot_tag *tag, bool *have_new_acpi)
{
    const void *at = tag;
    switch (tag->type) {
    case MULTIBOOT_TAG_COMMAND_LINE:
        copy_string(boot_info.command_line, sizeof(boot_info.command_line), (const char *)(tag + 1),
                    tag->size - sizeof(*tag));
        break;
    case MULTIBOOT_TAG_MODULE: read_module(at); break;
    case MULTIBOOT_TAG_MEMORY_MAP: read_map(at); break;
    case MULTIBOOT_TAG_FRAMEBUFFER: read_framebuffer(at); break;
    case MULTIBOOT_TAG_ACPI_NEW:
        read_acpi(tag, 36);
        *have_new_acpi = true;
        break;
    case MULTIBOOT_TAG_ACPI_OLD:
        if (!*have_new_acpi) {
            read_acpi(tag, 20);
        }
        break;
    default: break;
    }
}

void multiboot_read(paddr_t information)
{
    const uint32_t *header = phys_to_virt(information);
    uint32_t size = header[0];
    if ((information & 7) || size > INFORMATION_MAX) {
        log_error("boot: the loader's information is not valid");
        return;
    }
    bool have_new_acpi = false;
    for (uint32_t offset = 8; offset + sizeof(struct multiboot_tag) <= size;) {
        const struct multiboot_tag *tag = (const void *)((const char *)header + offset);
        if (tag->type == MULTIBOOT_TAG_END || tag->size < sizeof(*tag) ||
            tag->size > size - offset) {
            break;
        }
        read_tag(tag, &have_new_acpi);
        offset += (tag->size + 7u) & ~7u;
    }
    boot_range_normalise();
    if (boot_info.framebuffer.base != 0) {
        check_framebuffer();
    }
}
