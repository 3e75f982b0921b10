// SPDX-License-Identifier: MIT
// Damage: whatever is written and scrolled, in however many slices it is drawn meanwhile, the
// screen shows in the end what a screen that draws everything anew shows; and nothing is drawn when
// nothing has changed.
#include <tests/host/check.h>

#include <string.h>
#include <view.h>

#define WIDTH  320u
#define HEIGHT 160u
#define BYTES  (WIDTH * HEIGHT * 4)

static const struct canvas_mode mode = {.width = WIDTH,
                                        .height = HEIGHT,
                                        .pitch = WIDTH * 4,
                                        .bits = 32,
                                        .red = {16, 8},
                                        .green = {8, 8},
                                        .blue = {0, 8}};
static uint64_t memory[BYTES / 8], anew[BYTES / 8];
static struct terminal terminals[2];
static uint8_t histories[2][HISTORY_BYTES];

static void say(struct terminal *of, const char *bytes, size_t length)
{
    (void)of, (void)bytes, (void)length;
}

static void write_something(struct terminal *terminal)
{
    char text[80];
    static const char *const formats[] = {
        "%u abc\r\n", "\x1b[%u;3Hxyz", "\x1b[3%um#",     "\x1b[%uL",
        "\x1b[%uM",   "\x1b[%uP",      "\x1b[2;%ur\n\n", "\x1b[r\x1b[%uS",
        "\x1b[%uT",   "\x1b[?25h %u",  "\x1b[?25l%u",    "\x1b[%uJ",
        "\x1b[%u@",   "\x1b[?1049h%u", "\x1b[?1049l%u",  "\x1b[%uG\xe4\xb8\x80",
    };
    int length =
        snprintf(text, sizeof(text), formats[random_below(sizeof(formats) / sizeof(formats[0]))],
                 (unsigned)random_below(9));
    terminal_write(terminal, text, (size_t)length);
}

static void finish(struct view *view)
{
    while (!view_draw(view, 1 + (uint32_t)random_below(100))) {
    }
    while (!view_draw(view, 1000)) { // what was changed behind the row that was being drawn
    }
}

static void check_same(const struct view *view, const struct canvas *second)
{
    struct view other;
    CHECK(view_init(&other, second) == TS_OK);
    memset(anew, 0x77, sizeof(anew));
    other.terminal = view->terminal;
    other.back = view->back;
    other.added = view->added;
    grid_damage_all(&other.terminal->grid);
    finish(&other);
    CHECK(memcmp(memory, anew, sizeof(memory)) == 0);
    free(other.shown);
    free(other.line);
}

static void step(struct view *view)
{
    switch (random_below(12)) {
    case 0: view_turn(view, &terminals[random_below(2)]); break;
    case 1: view_scroll(view, (int32_t)random_below(9) - 4); break;
    case 2: view_follow(view); break;
    case 3:
    case 4: (void)view_draw(view, (uint32_t)random_below(40)); break;
    default: write_something(&terminals[random_below(2)]);
    }
}

int main(void)
{
    struct canvas canvas, second;
    struct view view;
    CHECK(canvas_init(&canvas, &mode, memory) == TS_OK);
    CHECK(canvas_init(&second, &mode, anew) == TS_OK);
    for (unsigned i = 0; i < 2; i++) {
        terminals[i].say = say;
        CHECK(terminal_init(&terminals[i], canvas.rows, canvas.columns, histories[i]) == TS_OK);
    }
    CHECK(view_init(&view, &canvas) == TS_OK);
    view_turn(&view, &terminals[0]);
    for (unsigned round = 0; round < 2000; round++) {
        for (uint64_t steps = random_below(12); steps > 0; steps--) {
            step(&view);
        }
        finish(&view);
        check_same(&view, &second);
    }
    // A screen that shows the present draws nothing that has not changed.
    view_follow(&view);
    finish(&view);
    memset(memory, 0x33, sizeof(memory));
    grid_damage_all(&view.terminal->grid);
    finish(&view);
    for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) {
        CHECK(memory[i] == UINT64_C(0x3333333333333333));
    }
    free(view.shown);
    free(view.line);
    terminal_fini(&terminals[0]);
    terminal_fini(&terminals[1]);
    return 0;
}
