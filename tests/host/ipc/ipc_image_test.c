// SPDX-License-Identifier: MIT
// How a program prepares itself before main, over images that the test lays out: what is relocated,
// made read-only and given to the first thread; and that an image in which anything is wrong ends
// with a status.
#include <setjmp.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/op.h>
#include <tessera/lib/start.h>
#include <tessera/lib/syscall.h>
#include <tessera/lib/thread.h>
#include <tessera/machine/machine.h>
#include "tests/host/check.h"

enum { PT_LOAD = 1, PT_DYNAMIC = 2, PT_TLS = 7, PT_GNU_RELRO = 0x6474e552 };
enum { DT_RELA = 7, DT_RELASZ = 8, DT_RELAENT = 9, DT_REL = 17 };
enum { DT_RELRSZ = 35, DT_RELR = 36, DT_RELRENT = 37 };
enum { LOAD, DYNAMIC, RELRO, TLS, HEADERS }; // places of an image's headers

#define PROCESS 11u // a handle
#define CANARY  UINT64_C(0x1122334455667700)
#define SIZE    sizeof(struct layout)

struct header {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};

struct rela {
    uint64_t offset, info;
    int64_t addend;
};

struct layout {
    struct header headers[66];
    struct {
        int64_t tag;
        uint64_t value;
    } dynamic[8];
    struct rela relocations[3]; // the third stands behind the table
    char variables[24];
    uint64_t words[4];
    uint64_t packed[4];
    char rest[8192];
    uint64_t last;
};

static _Alignas(TS_PAGE_SIZE) struct layout image;
static struct ts_bootstrap block;

// ---- What an image uses, and what came of it

static struct {
    bool started;
    uint64_t status;                         // of its exit
    uint64_t protect_at, protect_length;     // 0: nothing was protected
    uint64_t thread_pointer, canary;         // 0: none was set
    char variables[64];                      // below the thread pointer
    ts_status_t protect, bootstrap, pointer; // what these calls answer
} seen;

static jmp_buf end;

_Noreturn void ts_sys_process_exit(uint64_t status)
{
    seen.status = status;
    longjmp(end, 1);
}

_Noreturn void ts_program_start(void)
{
    seen.started = true;
    if (seen.thread_pointer != 0) {
        const struct ts_thread_control *control = (const void *)(uintptr_t)seen.thread_pointer;
        size_t size = ts_thread_local_size() - sizeof(*control) - 16;
        CHECK(size <= sizeof(seen.variables));
        memcpy(seen.variables, (const char *)control - size, size);
        seen.canary = control->canary;
    }
    longjmp(end, 1);
}

struct ts_result ts_sys_protect(uint64_t process, uint64_t address, uint64_t length, uint64_t flags)
{
    CHECK(process == 0 && flags == TS_MAP_READ);
    seen.protect_at = address;
    seen.protect_length = length;
    return (struct ts_result){.status = seen.protect};
}

ts_status_t ts_bootstrap_init(const struct ts_bootstrap *given)
{
    CHECK(given == &block);
    return seen.bootstrap;
}

ts_handle_t ts_named_handle(const char *name)
{
    return strcmp(name, TS_NAME_PROCESS) == 0 ? PROCESS : TS_HANDLE_NONE;
}

ts_status_t ts_set_u64(ts_handle_t handle, unsigned property, uint64_t value)
{
    CHECK(handle == PROCESS && property == TS_PROPERTY_THREAD_POINTER);
    seen.thread_pointer = value;
    return seen.pointer;
}

uint64_t ts_thread_control_init(struct ts_thread_control *control)
{
    control->canary = ~CANARY;
    return control->self = (uintptr_t)control;
}

// ---- Images

static void header_set(unsigned place, uint32_t type, uint64_t address, uint64_t size)
{
    image.headers[place] =
        (struct header){.type = type, .address = address, .file_size = size, .memory_size = size};
}

static void dynamic_set(unsigned place, int64_t tag, uint64_t value)
{
    image.dynamic[place].tag = tag;
    image.dynamic[place].value = value;
}

// One in which all is right: two words are relocated.
static void make(void)
{
    memset(&image, 0, sizeof(image));
    memset(&seen, 0, sizeof(seen));
    header_set(LOAD, PT_LOAD, 0, SIZE);
    header_set(DYNAMIC, PT_DYNAMIC, offsetof(struct layout, dynamic), sizeof(image.dynamic));
    header_set(RELRO, PT_GNU_RELRO, TS_PAGE_SIZE - 8, TS_PAGE_SIZE);
    header_set(TLS, PT_TLS, offsetof(struct layout, variables), 5);
    image.headers[TLS].memory_size = 20;
    image.headers[TLS].align = 16;
    memcpy(image.variables, "begin and no more", 17);
    dynamic_set(0, DT_RELA, offsetof(struct layout, relocations));
    dynamic_set(1, DT_RELASZ, 2 * sizeof(struct rela));
    dynamic_set(2, DT_RELAENT, sizeof(struct rela));
    dynamic_set(4, DT_REL, 0); // behind the end
    for (unsigned i = 0; i < 3; i++) {
        image.relocations[i] = (struct rela){.offset = offsetof(struct layout, words) + 8 * i,
                                             .info = TS_ELF_RELATIVE,
                                             .addend = 100 + (int64_t)i};
        image.words[i] = 7;
    }
    block = (struct ts_bootstrap){.image_base = (uintptr_t)&image,
                                  .program_headers = (uintptr_t)image.headers,
                                  .program_header_count = HEADERS,
                                  .control = {.canary = CANARY}};
}

static void start(void)
{
    if (setjmp(end) == 0) {
        ts_image_start(&block);
    }
}

static void starts(void)
{
    start();
    CHECK(seen.started);
}

static void is_refused(void)
{
    start();
    CHECK(!seen.started);
    CHECK_EQUAL(seen.status, (uint32_t)TS_ERR_EXECUTABLE);
}

#define STARTS(...)    (make(), __VA_ARGS__, starts())
#define REFUSED(...)   (make(), __VA_ARGS__, is_refused())
#define OUTSIDE(place) (image.headers[place].address = SIZE - 4)

// ---- Tests

static void test_whole(void)
{
    make();
    starts();
    CHECK_EQUAL(image.words[0], (uintptr_t)&image + 100);
    CHECK_EQUAL(image.words[1], (uintptr_t)&image + 101);
    CHECK(image.words[2] == 7 && image.words[3] == 0); // not in the table
    // Whole pages alone, and not the one in which the last relocated pointers lie.
    CHECK(seen.protect_at == (uintptr_t)&image && seen.protect_length == TS_PAGE_SIZE);
    CHECK(seen.thread_pointer != 0 && seen.canary == CANARY);
    CHECK_EQUAL(ts_thread_local_size(), 32 + 16 + sizeof(struct ts_thread_control));
    static const char variables[32] = "begin";
    CHECK(memcmp(seen.variables, variables, sizeof(variables)) == 0);
}

static void test_headers(void)
{
    REFUSED(block.program_headers = 0);
    REFUSED(block.program_header_count = 0);
    REFUSED(block.program_header_count = 65);
    STARTS(block.program_header_count = 64);
    // What stands behind the headers is none of them: the second segment is not of the image.
    STARTS(header_set(HEADERS, PT_LOAD, 8, SIZE - 8), image.headers[LOAD].memory_size = SIZE - 8,
           block.program_header_count++, image.relocations[1].offset = SIZE - 8);
    REFUSED(header_set(HEADERS, PT_LOAD, 8, SIZE - 8), image.headers[LOAD].memory_size = SIZE - 8,
            image.relocations[1].offset = SIZE - 8);
    REFUSED(image.headers[LOAD].address = offsetof(struct layout, words) + 8); // its low end
}

static void test_relocations(void)
{
    STARTS(image.headers[DYNAMIC].type = 0);
    CHECK(image.words[0] == 7);
    STARTS(dynamic_set(1, 0, 0));
    CHECK(image.words[0] == 7);
    STARTS(image.relocations[1].offset = SIZE - 8);
    CHECK_EQUAL(image.last, (uintptr_t)&image + 101);
    REFUSED(image.relocations[1].offset = SIZE);
    REFUSED(image.relocations[1].offset = (uint64_t)-8);
    REFUSED(image.relocations[1].info = TS_ELF_RELATIVE + 1);
    REFUSED(OUTSIDE(DYNAMIC));
    REFUSED(dynamic_set(0, DT_RELA, SIZE - 40));
    REFUSED(dynamic_set(1, DT_RELASZ, SIZE));
    REFUSED(dynamic_set(2, DT_RELAENT, sizeof(struct rela) + 8));
    REFUSED(dynamic_set(3, DT_REL, 0));
}

// The same in the packed form: a place, then bits for the next 63, then for 63 more.
static void pack(uint64_t place, uint64_t bits, uint64_t more)
{
    dynamic_set(0, DT_RELR, offsetof(struct layout, packed));
    dynamic_set(1, DT_RELRSZ, 3 * sizeof(uint64_t));
    dynamic_set(2, DT_RELRENT, sizeof(uint64_t));
    image.packed[0] = place;
    image.packed[1] = bits << 1 | 1;
    image.packed[2] = more << 1 | 1;
    image.packed[3] = 3; // behind the table
}

static void test_packed(void)
{
    const uint64_t words = offsetof(struct layout, words), bias = (uintptr_t)&image;
    STARTS(pack(words, 2, 0));
    CHECK(image.words[0] == 7 + bias && image.words[1] == 7 && image.words[2] == 7 + bias);
    CHECK_EQUAL(image.words[3], 0);
    STARTS(pack(SIZE - 64 * 8, UINT64_C(1) << 62, 0));
    CHECK_EQUAL(image.last, bias);
    STARTS(pack(SIZE - 70 * 8, 0, 32));
    CHECK_EQUAL(image.last, bias);
    REFUSED(pack(SIZE - 64 * 8, 0, 1));
    REFUSED(pack(SIZE - 70 * 8, 0, 64));
    REFUSED(pack(SIZE, 0, 0));
    REFUSED(pack(words, 0, 0), dynamic_set(0, DT_RELR, SIZE - 16));
    REFUSED(pack(words, 0, 0), dynamic_set(1, DT_RELRSZ, SIZE));
    REFUSED(pack(words, 0, 0), dynamic_set(2, DT_RELRENT, 16));
}

static void test_protected(void)
{
    STARTS(image.headers[RELRO].type = 0);
    CHECK(seen.protect_length == 0);
    STARTS(image.headers[RELRO].memory_size = 7); // no page is whole
    CHECK(seen.protect_length == 0);
    REFUSED(OUTSIDE(RELRO));
    REFUSED(seen.protect = TS_ERR_MEMORY);
}

static void test_thread_local(void)
{
    STARTS(image.headers[TLS].type = 0);
    CHECK(seen.thread_pointer == 0);
    STARTS(image.headers[TLS].memory_size = image.headers[TLS].file_size = 0);
    CHECK(seen.thread_pointer == 0);
    STARTS(image.headers[TLS].align = 0); // as much as there are bytes; a thread's control has 16
    CHECK_EQUAL(ts_thread_local_size(), 20 + 16 + sizeof(struct ts_thread_control));
    REFUSED(OUTSIDE(TLS));
    REFUSED(image.headers[TLS].memory_size = 4);
    REFUSED(image.headers[TLS].align = 24);
    REFUSED(image.headers[TLS].align = 2 * TS_PAGE_SIZE);
    REFUSED(image.headers[TLS].memory_size = (64 << 10) + 1);
    REFUSED(seen.pointer = TS_ERR_RIGHTS);
}

int main(int argc, char **argv, char **envp) // as start.h has it
{
    (void)argc, (void)argv, (void)envp;
    test_whole();
    test_headers();
    test_relocations();
    test_packed();
    test_protected();
    test_thread_local();
    REFUSED(seen.bootstrap = TS_ERR_CORRUPT);
    return 0;
}
