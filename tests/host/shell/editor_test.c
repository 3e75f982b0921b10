// SPDX-License-Identifier: MIT
#include "editor.h"
#include <string.h>
#include "tests/host/check.h"

static struct editor editor;
static size_t shown;

static void show(const char *bytes, size_t length)
{
    CHECK(bytes != NULL || length == 0);
    shown += length;
}

static enum editor_result type(const char *keys)
{
    enum editor_result result = EDITOR_MORE;
    for (; *keys; keys++) {
        result = editor_key(&editor, (unsigned char)*keys);
    }
    return result;
}

static void expect(const char *keys, const char *line)
{
    editor_start(&editor, "$ ");
    CHECK_EQUAL(type(keys), EDITOR_DONE);
    if (strcmp(editor.text, line) != 0) {
        fprintf(stderr, "found \"%s\", not \"%s\"\n", editor.text, line);
        exit(1);
    }
    editor_remember(&editor, editor.text);
}

static void test_keys(void)
{
    expect("hello\r", "hello");
    expect("helo\x7flo\r", "hello");
    expect("world\x01hello \r", "hello world");
    expect("abc\x02\x02X\r", "aXbc");
    expect("abc\x1b[D\x1b[DX\x1b[CY\r", "aXbYc");
    expect("one two\x17three\r", "one three");
    expect("throw away\x15keep\r", "keep");
    expect("abcdef\x01\x06\x06\x0b\r", "ab");
    expect("abc\x1b[HX\x1b[FY\r", "XabcY");
    expect("abc\x01\x1b[3~\r", "bc");
    expect("abc\x01\x04\r", "bc");
    expect("\x1b[1~\x1b[999999999999~x\x1bq\r", "x");
    expect("gr\xc3\xbc\xc3\x9f\x7f\r", "gr\xc3\xbc"); // one character, two bytes
    expect("a\xc3\xbc"
           "b\x02\x02\x7f\r",
           "\xc3\xbc"
           "b");
}

static void test_history(void)
{
    editor_free(&editor);
    expect("first\r", "first");
    expect("second\r", "second");
    expect("second\r", "second"); // not kept twice
    expect("\x1b[A\r", "second");
    expect("\x1b[A\x1b[A\r", "first");
    expect("draft\x1b[A\x1b[B\r", "draft");
    expect("\x10\x10\x10\x10\x10\x10\x10!\r", "first!");
    for (int i = 0; i < 3 * HISTORY_MAX; i++) {
        char line[16];
        snprintf(line, sizeof(line), "line %d", i);
        editor_remember(&editor, line);
    }
    CHECK_EQUAL(editor.history_count, HISTORY_MAX);
    CHECK(!strcmp(editor.history[HISTORY_MAX - 1], "line 191"));
}

static void test_ends(void)
{
    editor_start(&editor, "$ ");
    CHECK_EQUAL(type("\x04"), EDITOR_END);
    editor_start(&editor, "$ ");
    CHECK_EQUAL(type("abc\x03"), EDITOR_ABANDONED);
    editor_start(&editor, "$ ");
    for (int i = 0; i < 2 * LINE_MAX_BYTES; i++) {
        CHECK_EQUAL(type("x"), EDITOR_MORE);
    }
    CHECK_EQUAL(editor.length, LINE_MAX_BYTES - 1);
    CHECK_EQUAL(strlen(editor.text), editor.length);
}

static void test_noise(void)
{
    uint64_t state = 7;
    editor_start(&editor, "> ");
    for (int i = 0; i < 200000; i++) {
        unsigned char byte = (unsigned char)check_random(&state);
        if (editor_key(&editor, byte) != EDITOR_MORE) {
            editor_remember(&editor, editor.text);
            editor_start(&editor, "> ");
        }
        CHECK(editor.cursor <= editor.length && editor.length < LINE_MAX_BYTES);
        CHECK(editor.text[editor.length] == '\0');
    }
}

int main(void)
{
    editor.show = show;
    test_keys();
    test_history();
    test_ends();
    test_noise();
    CHECK(shown > 0);
    editor_free(&editor);
    return 0;
}
