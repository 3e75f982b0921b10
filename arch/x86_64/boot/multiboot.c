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

static void read_framebuffer(const struct multiboot_framebuffer *f)
{
    if (f->tag.size < sizeof(*f) || f->type != MULTIBOOT_FRAMEBUFFER_RGB) {
        return;
    }
    uint32_t bytes = f->bits_per_pixel / 8u;
    if ((f->bits_per_pixel != 24 && f->bits_per_pixel != 32) || !f->address ||
        f->address >= ADDRESS_MAX || !f->width || !f->height || f->width > 16384 ||
        f->height > 16384 || f->pitch > 16384 * 8 || f->pitch < f->width * bytes ||
        !colour_ok(f, f->red_position, f->red_size) ||
        !colour_ok(f, f->green_position, f->green_size) ||
        !colour_ok(f, f->blue_position, f->blue_size)) {
        log_warn("boot: a framebuffer of unknown form is not used");
        return;
    }
    boot_info.framebuffer = (struct boot_framebuffer){
        .base = f->address,
        .width = f->width,
        .height = f->height,
        .pitch = f->pitch,
        .bits_per_pixel = f->bits_per_pixel,
        .red_position = f->red_position,
        .red_size = f->red_size,
        .green_position = f->green_position,
        .green_size = f->green_size,
        .blue_position = f->blue_position,
        .blue_size = f->blue_size,
    };
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
}
