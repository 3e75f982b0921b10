// SPDX-License-Identifier: MIT
// Escape sequences: what they do to the cells, to the history and to what is answered; and that any
// bytes whatever, in pieces of any size, touch nothing else (the sanitizers look).
#include <tests/host/check.h>

#include <palette.h>
#include <string.h>
#include <terminal.h>

#define ROWS    8u
#define COLUMNS 20u

static struct terminal terminal;
static char said[4096];
static size_t said_length;
static uint8_t history[HISTORY_BYTES];

static void say(struct terminal *of, const char *bytes, size_t length)
{
    CHECK(of == &terminal && length < 64);
    if (said_length + length < sizeof(said)) {
        memcpy(said + said_length, bytes, length);
        said_length += length;
    }
    said[said_length] = '\0';
}

static void begin(uint32_t rows, uint32_t columns)
{
    terminal.say = say;
    CHECK(terminal_init(&terminal, rows, columns, history) == TS_OK);
    said_length = 0;
    said[0] = '\0';
}

static void write_text(const char *text)
{
    terminal_write(&terminal, text, strlen(text));
}

// The characters of a row without blanks at its end, others than ASCII as '#'.
static const char *row_text(uint32_t row)
{
    static char text[COLUMNS + 1];
    const struct cell *cells = grid_row(&terminal.grid, row);
    size_t length = 0;
    for (uint32_t i = 0; i < COLUMNS; i++) {
        uint32_t code = cells[i].code & CELL_CODE;
        text[i] = cells[i].code & CELL_REST ? '+' : code < 0x7f && code >= ' ' ? (char)code : '#';
        length = text[i] != ' ' ? i + 1 : length;
    }
    text[length] = '\0';
    return text;
}

#define CHECK_ROW(row, text) CHECK(strcmp(row_text(row), text) == 0)

static struct cell cell_at(uint32_t row, uint32_t column)
{
    return grid_row(&terminal.grid, row)[column];
}

static void test_text(void)
{
    begin(ROWS, COLUMNS);
    write_text("\x1b[5b"); // nothing is there to be repeated
    write_text("one\r\ntwo\xc3\xa4\xe4\xb8\x80x\r\n\x1b[5;3Hfive\x1b[2D\x1b[P!");
    CHECK_ROW(0, "one");
    CHECK_ROW(1, "two##+x"); // one wide
    CHECK_ROW(4, "  fi!");
    CHECK(cell_at(1, 3).code == 0xe4 && cell_at(1, 5).code == (0x4e00 | CELL_REST));
    CHECK(terminal.cursor_row == 4 && terminal.cursor_column == 5);
    write_text("\x1b[2J\x1b[H\x1b(0lqk\x1b(B");
    CHECK(cell_at(0, 0).code == 0x250c && cell_at(0, 1).code == 0x2500);
    // A character in two pieces, and one that is not finished.
    write_text("\x1b[H\xe2\x82");
    write_text("\xac\xe2\x82z");
    CHECK(cell_at(0, 0).code == 0x20ac && cell_at(0, 1).code == 0xfffd &&
          cell_at(0, 2).code == 'z');
    terminal_fini(&terminal);
}

static void test_colours(void)
{
    begin(ROWS, COLUMNS);
    write_text("a\x1b[31mb\x1b[1mc\x1b[0;1md\x1b[0;7me\x1b[0;38;5;196;48;5;21mf"
               "\x1b[38;2;1;2;3mg\x1b[97;44mh\x1b[0;4mi\x1b[24;9mj");
    CHECK(cell_at(0, 0).ink == palette[7] && cell_at(0, 0).paper == 0);
    CHECK(cell_at(0, 1).ink == palette[1] && cell_at(0, 2).ink == palette[9]);
    CHECK(cell_at(0, 3).ink == palette[15]);
    CHECK(cell_at(0, 4).ink == 0 && cell_at(0, 4).paper == palette[7]);
    CHECK(cell_at(0, 5).ink == 0xff0000 && cell_at(0, 5).paper == 0x0000ff);
    CHECK(cell_at(0, 6).ink == 0x010203 && cell_at(0, 7).ink == palette[15]);
    CHECK(cell_at(0, 7).paper == palette[4]);
    CHECK(cell_at(0, 8).code == ('i' | CELL_UNDERLINE) &&
          cell_at(0, 9).code == ('j' | CELL_STRIKE));
    write_text("\x1b[0;41m\x1b[K"); // what is erased has the paper's colour
    CHECK(cell_at(0, COLUMNS - 1).paper == palette[1]);
    terminal_fini(&terminal);
}

static void check_history(uint32_t back, const char *text)
{
    struct cell cells[COLUMNS];
    const struct cell blank = {' ', 1, 2};
    CHECK(history_get(&terminal.grid.history, back, cells, COLUMNS, blank));
    for (uint32_t i = 0; i < COLUMNS; i++) {
        CHECK((cells[i].code & CELL_CODE) == (i < strlen(text) ? (uint32_t)text[i] : ' '));
    }
    CHECK(cell_same(&cells[COLUMNS - 1], &blank));
}

static void test_history(void)
{
    struct cell cells[COLUMNS];
    char line[COLUMNS];
    begin(ROWS, COLUMNS);
    CHECK(!history_get(&terminal.grid.history, 1, cells, COLUMNS, cells[0]));
    for (unsigned i = 0; i < 100; i++) {
        snprintf(line, sizeof(line), "%sline %u\r\n", i % 2 ? "\x1b[32m" : "\x1b[m", i);
        write_text(line);
    }
    CHECK_EQUAL(terminal.grid.history.lines, 100 - ROWS + 1);
    CHECK_ROW(0, "line 93");
    check_history(1, "line 92");
    check_history(93, "line 0");
    CHECK(!history_get(&terminal.grid.history, 94, cells, COLUMNS, cells[0]));
    CHECK(history_get(&terminal.grid.history, 2, cells, COLUMNS, cells[0]));
    CHECK(cells[0].ink == palette[2]); // line 91
    // What scrolls elsewhere than at the top, or on the second page, is not kept.
    write_text("\x1b[3;6r\x1b[6;1H\n\n\x1b[r\x1b[?1049h\x1b[8;1H\n\n\n\x1b[?1049l");
    CHECK_EQUAL(terminal.grid.history.lines, 93);
    // The oldest give way.
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(line, sizeof(line), "n %u\r\n", i);
        write_text(line);
    }
    const struct history *h = &terminal.grid.history;
    CHECK(h->lines > 5000 && h->lines < 20000 && h->end - h->begin <= HISTORY_BYTES);
    check_history(1, "n 19992");
    snprintf(line, sizeof(line), "n %u", 19993 - h->lines);
    check_history(h->lines, line);
    terminal_fini(&terminal);
}

static void test_pages(void)
{
    begin(ROWS, COLUMNS);
    write_text("first\x1b[?1049h\x1b[Hsecond");
    CHECK_ROW(0, "second");
    write_text("\x1b[?1049l");
    CHECK_ROW(0, "first");
    write_text("\x1b[?1049h\033c"); // a reset
    CHECK(terminal.grid.page == &terminal.grid.pages[0]);
    CHECK_ROW(0, "");
    terminal_fini(&terminal);
}

static void test_keys(void)
{
    static const struct {
        unsigned key, modifiers;
        const char *says;
    } keys[] = {
        {TERMINAL_UP, 0, "\x1b[A"},
        {TERMINAL_LEFT, TERMINAL_CONTROL, "\x1b[1;5D"},
        {TERMINAL_HOME, 0, "\x1b[H"},
        {TERMINAL_DELETE, 0, "\x1b[3~"},
        {TERMINAL_PAGE_DOWN, 0, "\x1b[6~"},
        {TERMINAL_ENTER, TERMINAL_CONTROL, "\r"},
        {TERMINAL_BACKSPACE, TERMINAL_ALT, "\x1b\x7f"},
        {TERMINAL_TAB, TERMINAL_SHIFT, "\x1b[Z"},
        {TERMINAL_F0 + 1, 0, "\x1bOP"},
        {TERMINAL_F0 + 12, 0, "\x1b[24~"},
    };
    begin(ROWS, COLUMNS);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        said_length = 0;
        terminal_press(&terminal, keys[i].key, keys[i].modifiers);
        CHECK(strcmp(said, keys[i].says) == 0);
    }
    said_length = 0;
    terminal_type(&terminal, 'c', TERMINAL_CONTROL);
    terminal_type(&terminal, '[', TERMINAL_CONTROL);
    terminal_type(&terminal, 'i', TERMINAL_CONTROL);
    terminal_type(&terminal, 'x', TERMINAL_ALT);
    terminal_type(&terminal, 0x20ac, 0);
    CHECK(strcmp(said, "\x03\x1b\t\x1bx\xe2\x82\xac") == 0);
    said_length = 0;
    write_text("\x1b[?1h");
    terminal_press(&terminal, TERMINAL_UP, 0);
    CHECK(strcmp(said, "\x1bOA") == 0);
    terminal_fini(&terminal);
}

// Nothing that a program writes is said again but numbers and modes.
static void test_answers(void)
{
    begin(ROWS, COLUMNS);
    write_text("\x1b]0;rm -rf\x07\x1b[21t\x1b[20t\x05\x1bP$qm\x1b\\\x1b]52;c;?\x07\x1bZ");
    CHECK(said_length == 0);
    CHECK_ROW(0, "");
    write_text("ab\x1b[6n\x1b[5n\x1b[c");
    CHECK(strcmp(said, "\x1b[1;3R\x1b[0n\x1b[?1;2c") == 0);
    CHECK_ROW(0, "ab");
    terminal_fini(&terminal);
}

// ---- Any bytes

static size_t piece(char *to)
{
    static const char *const parts[] = {
        "\x1b[",   "\x1b]",     "\x1bP",     "\x1b\\",       "\x07",   ";",           ":",
        "?",       "999999999", "\x1b[?69h", "\x1b#6",       "\x1bH",  "\x1b[?1049h", "\x1b[?1049l",
        "\033c",   "\xcc\x81",  "\xc2\x85",  "\xe4\xb8\x80", "\t",     "\n",          "\x1b[4h",
        "\x1b[3g", "\x1b[s",    "\x1b[2;3r", "\x1b[1;5s",    "\x1b#8", "\x0e",        "\x1bN",
    };
    size_t length = 1 + random_below(12);
    if (random_below(3) == 0) {
        const char *part = parts[random_below(sizeof(parts) / sizeof(parts[0]))];
        length = strlen(part);
        memcpy(to, part, length);
        return length;
    }
    for (size_t i = 0; i < length; i++) {
        to[i] = (char)(random_below(2) ? random_next() : '0' + random_below(75));
    }
    return length;
}

static void test_anything(uint32_t rows, uint32_t columns, unsigned writes)
{
    begin(rows, columns);
    for (unsigned i = 0; i < writes; i++) {
        char bytes[4096];
        size_t length = 0, many = 1 + random_below(60);
        for (size_t n = 0; n < many; n++) {
            length += piece(bytes + length);
        }
        char *exact = malloc(length); // a byte read behind it is found
        CHECK(exact != NULL);
        memcpy(exact, bytes, length);
        terminal_write(&terminal, exact, length);
        free(exact);
        said_length = 0;
        CHECK(terminal.store.used <= terminal.store.size);
        const struct grid_page *page = terminal.grid.page;
        uint32_t sum = 0;
        for (uint32_t row = 0; row < rows; row++) { // each line is somewhere
            CHECK(page->lines[row] < rows);
            sum += page->lines[row];
        }
        CHECK_EQUAL(sum, rows * (rows - 1) / 2);
    }
    terminal_fini(&terminal);
}

int main(void)
{
    test_text();
    test_colours();
    test_history();
    test_pages();
    test_keys();
    test_answers();
    test_anything(ROWS, COLUMNS, 5000);
    test_anything(1, 2, 2000);
    test_anything(67, 240, 500);
    return 0;
}
