// SPDX-License-Identifier: MIT
// The loader's information and the memory map: whatever they say, the free memory is RAM, and
// neither the kernel's nor a module's nor the first 64 KiB; what is damaged is left out. Each round
// is a process of its own, since the early allocator begins once.
#include <tests/host/check.h>

#include <arch/memory.h>
#include <boot.h>
#include <log.h>
#include <multiboot.h>
#include <panic.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS    500u
#define INFO_MAX  4096u
#define LOW_END   0x10000u
#define TAG_ALIGN 8u

char *world_ram; // what phys_to_virt() adds to
char kernel_load_start[1], kernel_load_end[1];

static char *information; // as many bytes as it says
static uint32_t used;

void log_write(enum log_level level, const char *format, ...)
{
    (void)level, (void)format;
}

static void *tag_add(uint32_t type, uint32_t size)
{
    struct multiboot_tag *tag = (void *)(information + used);
    CHECK(used + size + TAG_ALIGN <= INFO_MAX);
    *tag = (struct multiboot_tag){type, size};
    used += (size + TAG_ALIGN - 1) & ~(TAG_ALIGN - 1);
    return tag;
}

static uint64_t any_address(void)
{
    switch (random_below(8)) {
    case 0: return random_next();
    case 1: return UINT64_MAX - random_below(0x3000);
    case 2: return (UINT64_C(1) << random_below(64)) - random_below(3);
    default: return random_below(64) << (11 + random_below(16));
    }
}

static void add_map(void)
{
    uint32_t count = (uint32_t)random_below(100);
    struct multiboot_map *map =
        tag_add(MULTIBOOT_TAG_MEMORY_MAP, (uint32_t)(sizeof(struct multiboot_map) +
                                                     count * sizeof(struct multiboot_map_entry)));
    map->entry_size = sizeof(struct multiboot_map_entry);
    struct multiboot_map_entry *entry = (void *)(map + 1);
    for (uint32_t i = 0; i < count; i++) {
        entry[i] = (struct multiboot_map_entry){
            .base = any_address(), .size = any_address(), .type = (uint32_t)random_below(6)};
    }
}

static void add_modules(void)
{
    for (uint64_t i = random_below(BOOT_MODULE_MAX + 2); i > 0; i--) {
        struct multiboot_module *module =
            tag_add(MULTIBOOT_TAG_MODULE, sizeof(struct multiboot_module) + 4);
        module->start = (uint32_t)any_address() & (random_below(4) != 0 ? ~UINT32_C(0xfff) : ~0u);
        module->end = random_below(8) == 0 ? (uint32_t)any_address()
                                           : module->start + (uint32_t)random_below(1 << 24);
        memcpy(module->text, "abcd", 4); // not ended
    }
}

static void make(void)
{
    information = calloc(1, INFO_MAX);
    used = 8;
    add_map();
    add_modules();
    memset((char *)tag_add(MULTIBOOT_TAG_COMMAND_LINE, 8 + 600) + 8, 'x', 600);
    struct multiboot_framebuffer *screen =
        tag_add(MULTIBOOT_TAG_FRAMEBUFFER, sizeof(struct multiboot_framebuffer));
    screen->address = any_address();
    screen->type = random_below(4) != 0 ? MULTIBOOT_FRAMEBUFFER_RGB : MULTIBOOT_FRAMEBUFFER_TEXT;
    screen->width = (uint32_t)any_address();
    screen->height = (uint32_t)any_address();
    screen->pitch = (uint32_t)any_address();
    if (random_below(2) != 0) { // one that is right, but may lie anywhere
        screen->width = 80 + (uint32_t)random_below(4000);
        screen->height = 25 + (uint32_t)random_below(2000);
        screen->pitch = screen->width * 4;
    }
    screen->bits_per_pixel = (uint8_t)(8 * random_below(5));
    screen->red_size = screen->green_size = screen->blue_size = 8;
    tag_add(MULTIBOOT_TAG_ACPI_NEW, (uint32_t)(8 + random_below(40)));
    tag_add(MULTIBOOT_TAG_ACPI_OLD, (uint32_t)(8 + random_below(30)));
    for (uint64_t i = random_below(8); i > 0; i--) {
        information[8 + random_below(used - 8)] = (char)random_next();
    }
    uint32_t size = (uint32_t)(random_below(4) == 0 ? 8 + random_below(used) : used);
    memcpy(information, &size, sizeof(size));
    information = realloc(information, size);
}

// ---- Free memory, as it is handed over

static uint64_t last_end;

static bool is_ram(uint64_t base, uint64_t size)
{
    for (uint32_t i = 0; i < boot_info.range_count; i++) {
        const struct boot_range *range = &boot_info.ranges[i];
        if (range->kind == BOOT_MEMORY_RAM && range->base <= base &&
            base + size <= range->base + range->size) {
            return true;
        }
    }
    return false;
}

static void take(paddr_t base, uint64_t size, void *context)
{
    (void)context;
    CHECK(((base | size) & PAGE_MASK) == 0 && size != 0 && base + size > base);
    CHECK(base >= last_end && base >= LOW_END && is_ram(base, size));
    last_end = base + size;
    for (uint32_t i = 0; i < boot_info.module_count; i++) {
        const struct boot_module *module = &boot_info.modules[i];
        CHECK(module->base + module->size <= base || base + size <= module->base);
    }
}

static void check_ranges(void)
{
    uint64_t end = 0, ram = 0;
    CHECK(boot_info.range_count <= BOOT_RANGE_MAX && boot_info.module_count <= BOOT_MODULE_MAX);
    for (uint32_t i = 0; i < boot_info.range_count; i++) {
        const struct boot_range *range = &boot_info.ranges[i];
        CHECK(((range->base | range->size) & PAGE_MASK) == 0 && range->size != 0);
        CHECK(range->base >= end && range->base + range->size <= UINT64_C(1) << 46);
        end = range->base + range->size;
        ram += range->kind == BOOT_MEMORY_RAM ? range->size : 0;
    }
    CHECK(ram <= boot_info.ram_bytes); // more when the list was too short
    for (uint32_t i = 0; i < boot_info.module_count; i++) {
        CHECK(memchr(boot_info.modules[i].name, 0, sizeof(boot_info.modules[i].name)) != NULL);
    }
    CHECK(memchr(boot_info.command_line, 0, sizeof(boot_info.command_line)) != NULL);
    const struct boot_framebuffer *screen = &boot_info.framebuffer;
    CHECK(screen->pitch >= screen->width * (screen->bits_per_pixel / 8));
    uint64_t screen_end = screen->base + (uint64_t)screen->pitch * screen->height;
    CHECK(screen_end >= screen->base && screen_end <= UINT64_C(1) << 47);
    for (uint32_t i = 0; i < boot_info.range_count && screen->base != 0; i++) {
        const struct boot_range *range = &boot_info.ranges[i];
        CHECK(range->kind == BOOT_MEMORY_RESERVED || range->base >= screen_end ||
              range->base + range->size <= screen->base);
    }
}

static void one_round(void)
{
    make();
    world_ram = information;
    multiboot_read(0);
    check_ranges();
    boot_memory_init();
    boot_memory_iterate(take, NULL);
    paddr_t low = boot_low_page();
    CHECK(low == 0 || (low < LOW_END && is_ram(low, PAGE_SIZE)));
    free(information);
}

int main(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        int status = 1;
        pid_t child = fork();
        if (child == 0) {
            one_round();
            exit(0);
        }
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        CHECK_EQUAL(status, 0);
        for (unsigned i = 0; i < 100; i++) {
            random_next();
        }
    }
    return 0;
}
