// SPDX-License-Identifier: MIT
// A static position-independent program prepares itself: see <tessera/lib/start.h>.
//
// Until relocate() is done nothing here may read a pointer that the linker stored in the image.
// The program headers are those that the loader mapped. They are checked even so: a loader that
// gave wrong ones should be met by an exit status, not by a write to a random address.
#include <stdbool.h>
#include <stddef.h>
#include <tessera/abi/object.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/op.h>
#include <tessera/lib/start.h>
#include <tessera/lib/syscall.h>
#include <tessera/lib/thread.h>
#include <tessera/machine/machine.h>

enum { PT_LOAD = 1, PT_DYNAMIC = 2, PT_TLS = 7, PT_GNU_RELRO = 0x6474e552 };
enum { DT_NULL = 0, DT_RELA = 7, DT_RELASZ = 8, DT_RELAENT = 9, DT_REL = 17 };
enum { DT_RELRSZ = 35, DT_RELR = 36, DT_RELRENT = 37 };

#define PROGRAM_HEADERS_MAX 64u
#define TLS_SIZE_MAX        (64u << 10) // the first thread's lies on its stack

struct elf_program_header {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};

struct elf_dynamic {
    int64_t tag;
    uint64_t value;
};

struct elf_rela {
    uint64_t offset, info;
    int64_t addend;
};

struct image {
    uint64_t bias, low, high; // addresses that the segments span, without the bias
    const struct elf_program_header *headers;
    uint64_t count;
};

static _Noreturn void refuse(void)
{
    ts_sys_process_exit((uint32_t)TS_ERR_EXECUTABLE);
}

static const struct elf_program_header *find(const struct image *image, uint32_t type)
{
    for (uint64_t i = 0; i < image->count; i++) {
        if (image->headers[i].type == type) {
            return &image->headers[i];
        }
    }
    return NULL;
}

static bool inside(const struct image *image, uint64_t address, uint64_t size)
{
    return address >= image->low && address <= image->high && size <= image->high - address;
}

static struct image image_find(const struct ts_bootstrap *block)
{
    struct image image = {.bias = block->image_base,
                          .low = UINT64_MAX,
                          .headers = (const void *)(uintptr_t)block->program_headers,
                          .count = block->program_header_count};
    if (image.headers == NULL || image.count == 0 || image.count > PROGRAM_HEADERS_MAX) {
        refuse();
    }
    for (uint64_t i = 0; i < image.count; i++) {
        const struct elf_program_header *h = &image.headers[i];
        if (h->type == PT_LOAD) {
            image.low = h->address < image.low ? h->address : image.low;
            uint64_t end = h->address + h->memory_size;
            image.high = end > image.high ? end : image.high;
        }
    }
    return image;
}

// What the dynamic section says of relocations.
struct relocations {
    uint64_t table, size;         // struct elf_rela
    uint64_t packed, packed_size; // words
};

static struct relocations relocations_find(const struct image *image)
{
    struct relocations found = {0};
    const struct elf_program_header *h = find(image, PT_DYNAMIC);
    if (h == NULL) {
        return found;
    }
    if (!inside(image, h->address, h->memory_size)) {
        refuse();
    }
    const struct elf_dynamic *dynamic = (const void *)(uintptr_t)(image->bias + h->address);
    for (uint64_t i = 0; i < h->memory_size / sizeof(*dynamic); i++) {
        uint64_t value = dynamic[i].value;
        switch (dynamic[i].tag) {
        case DT_NULL: i = h->memory_size; break;
        case DT_RELA: found.table = value; break;
        case DT_RELASZ: found.size = value; break;
        case DT_RELR: found.packed = value; break;
        case DT_RELRSZ: found.packed_size = value; break;
        case DT_RELAENT:
            if (value != sizeof(struct elf_rela)) {
                refuse();
            }
            break;
        case DT_RELRENT:
            if (value != sizeof(uint64_t)) {
                refuse();
            }
            break;
        case DT_REL: refuse();
        default: break;
        }
    }
    if ((!inside(image, found.table, found.size) && found.size != 0) ||
        (!inside(image, found.packed, found.packed_size) && found.packed_size != 0)) {
        refuse();
    }
    return found;
}

static uint64_t *place_at(const struct image *image, uint64_t address)
{
    if (!inside(image, address, sizeof(uint64_t))) {
        refuse();
    }
    return (uint64_t *)(uintptr_t)(image->bias + address);
}

// RELR, as the generic ABI has it: an even word is the address of a place, to which the bias is
// added, and an odd one has a bit for each of the next 63 places.
static void relocate_packed(const struct image *image, const struct relocations *found)
{
    const uint64_t *words = (const void *)(uintptr_t)(image->bias + found->packed);
    uint64_t next = 0;
    for (uint64_t i = 0; i < found->packed_size / sizeof(*words); i++) {
        if ((words[i] & 1) == 0) {
            *place_at(image, words[i]) += image->bias;
            next = words[i] + sizeof(uint64_t);
            continue;
        }
        uint64_t place = next;
        for (uint64_t bits = words[i] >> 1; bits != 0; bits >>= 1) {
            if ((bits & 1) != 0) {
                *place_at(image, place) += image->bias;
            }
            place += sizeof(uint64_t);
        }
        next += 63 * sizeof(uint64_t);
    }
}

// Every relocation of a static program is "add the bias"; others mean that it was linked wrongly.
static void relocate(const struct image *image)
{
    const struct relocations found = relocations_find(image);
    const struct elf_rela *rela = (const void *)(uintptr_t)(image->bias + found.table);
    for (uint64_t i = 0; i < found.size / sizeof(*rela); i++) {
        if (rela[i].info != TS_ELF_RELATIVE) {
            refuse();
        }
        *place_at(image, rela[i].offset) = image->bias + (uint64_t)rela[i].addend;
    }
    relocate_packed(image, &found);
}

// Relocated pointers that never change again become read-only.
static void protect(const struct image *image)
{
    const struct elf_program_header *h = find(image, PT_GNU_RELRO);
    if (h == NULL) {
        return;
    }
    uint64_t mask = TS_PAGE_SIZE - 1;
    uint64_t start = h->address & ~mask;
    uint64_t end = (h->address + h->memory_size) & ~mask;
    if (!inside(image, h->address, h->memory_size)) {
        refuse();
    }
    if (end > start &&
        ts_sys_protect(0, image->bias + start, end - start, TS_MAP_READ).status != TS_OK) {
        refuse();
    }
}

// Returns whether there are variables of a thread's own.
static bool tls_find(const struct image *image)
{
    const struct elf_program_header *h = find(image, PT_TLS);
    if (h == NULL) {
        return false;
    }
    uint64_t align = h->align ? h->align : 1;
    if (!inside(image, h->address, h->file_size) || h->file_size > h->memory_size ||
        (align & (align - 1)) != 0 || align > TS_PAGE_SIZE || h->memory_size > TLS_SIZE_MAX) {
        refuse();
    }
    // Whole alignments: the end of the variables is as well aligned as their beginning.
    ts_thread_local_set((const void *)(uintptr_t)(image->bias + h->address), h->file_size,
                        (h->memory_size + align - 1) & ~(align - 1), align > 16 ? align : 16);
    return h->memory_size != 0;
}

// The canary stays: the pointer changes within functions that have one.
static void tls_begin(const struct ts_bootstrap *block, void *storage)
{
    uint64_t pointer = ts_thread_local_init(storage);
    ((struct ts_thread_control *)pointer)->canary = block->control.canary;
    if (ts_set_u64(ts_named_handle(TS_NAME_PROCESS), TS_PROPERTY_THREAD_POINTER, pointer) !=
        TS_OK) {
        refuse();
    }
}

_Noreturn void ts_image_start(const struct ts_bootstrap *block)
{
    struct image image = image_find(block);
    relocate(&image);
    protect(&image);
    if (ts_bootstrap_init(block) != TS_OK) {
        refuse();
    }
    if (tls_find(&image)) {
        // On the stack, in this frame, which is never left.
        tls_begin(block, __builtin_alloca(ts_thread_local_size()));
    }
    ts_program_start();
}
