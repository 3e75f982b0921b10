// SPDX-License-Identifier: MIT
// What clang's undefined-behaviour sanitiser calls. All of it is a bug of ours: panic.
#include <panic.h>

#include <stdint.h>

// Every check's data begin with this.
struct source_location {
    const char *file;
    uint32_t line, column;
};

static _Noreturn void found(const char *what, const void *data)
{
    const struct source_location *where = data;
    panic("undefined behaviour: %s at %s:%u:%u", what, where->file, where->line, where->column);
}

#define HANDLER(name, what, ...)             \
    void __ubsan_handle_##name(__VA_ARGS__); \
    void __ubsan_handle_##name(__VA_ARGS__)  \
    {                                        \
        found(what, data);                   \
    }

#define DATA       const void *data
#define DATA_VALUE const void *data, uintptr_t a __attribute__((unused))
#define DATA_VALUES \
    const void *data, uintptr_t a __attribute__((unused)), uintptr_t b __attribute__((unused))
#define DATA_THREE                                                                              \
    const void *data, uintptr_t a __attribute__((unused)), uintptr_t b __attribute__((unused)), \
        uintptr_t c __attribute__((unused))

HANDLER(add_overflow, "overflow in +", DATA_VALUES)
HANDLER(sub_overflow, "overflow in -", DATA_VALUES)
HANDLER(mul_overflow, "overflow in *", DATA_VALUES)
HANDLER(negate_overflow, "overflow in negation", DATA_VALUE)
HANDLER(divrem_overflow, "division", DATA_VALUES)
HANDLER(shift_out_of_bounds, "shift", DATA_VALUES)
HANDLER(out_of_bounds, "array index", DATA_VALUE)
HANDLER(load_invalid_value, "value not of its type", DATA_VALUE)
HANDLER(pointer_overflow, "overflow of a pointer", DATA_VALUES)
HANDLER(type_mismatch_v1, "null or misaligned pointer", DATA_VALUE)
HANDLER(alignment_assumption, "assumed alignment", DATA_THREE)
HANDLER(vla_bound_not_positive, "size of an array", DATA_VALUE)
HANDLER(float_cast_overflow, "overflow in a cast", DATA_VALUE)
HANDLER(implicit_conversion, "conversion", DATA_VALUES)
HANDLER(invalid_builtin, "argument of a builtin", DATA)
HANDLER(builtin_unreachable, "unreachable code reached", DATA)
HANDLER(missing_return, "missing return", DATA)
HANDLER(nonnull_arg, "null argument", DATA)
HANDLER(nullability_arg, "null argument", DATA)

// These two get their place as a second argument.
HANDLER(nonnull_return_v1, "null returned", const void *type __attribute__((unused)), DATA)
HANDLER(nullability_return_v1, "null returned", const void *type __attribute__((unused)), DATA)
