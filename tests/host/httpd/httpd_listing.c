// SPDX-License-Identifier: MIT
// The page that lists a directory: order, escapes, bounds.
#define _GNU_SOURCE // memmem
#include "check_text.h"
#include "listing.h"

static struct listing listing;
static char page[LISTING_PAGE];

static struct text written(size_t size)
{
    struct writer writer = writer_make(page, size);
    listing_write(&writer, &listing, true);
    CHECK(!writer.overflow);
    return (struct text){page, writer.length};
}

static bool has(struct text text, const char *part)
{
    return memmem(text.data, text.length, part, strlen(part)) != NULL;
}

static bool ends_whole(struct text text)
{
    static const char end[] = "</table>\n</html>\n";
    return text.length > sizeof(end) &&
           memcmp(text.data + text.length - sizeof(end) + 1, end, sizeof(end) - 1) == 0;
}

static void test_order(void)
{
    static const char *const names[] = {"b", "a", "B", "ab", "aa", "z"};
    memset(&listing, 0, sizeof(listing));
    for (unsigned i = 0; i < 6; i++) {
        CHECK(listing_add(&listing, text_of(names[i]), i == 5 || i == 0, i * 10));
    }
    char order[32] = "";
    for (unsigned i = 0; i < listing.count; i++) {
        const struct listing_entry *entry = &listing.entries[i];
        strncat(order, listing.names + entry->name, entry->name_length);
        strcat(order, entry->directory ? "/" : " ");
    }
    CHECK(strcmp(order, "b/z/B a aa ab ") == 0);
    struct text text = written(sizeof(page));
    CHECK(has(text, "<tr><td><a href=\"../\">../</a><td>\n<tr><td><a href=\"b/\">b/</a><td>\n"));
    CHECK(has(text, "<tr><td><a href=\"aa\">aa</a><td>40\n"));
    CHECK(ends_whole(text) && !has(text, "more"));
}

// Names that are markup, or no URL's; those that no path has are left out.
static void test_names(void)
{
    memset(&listing, 0, sizeof(listing));
    CHECK(listing_add(&listing, TEXT("<script>\"&'"), false, 0));
    CHECK(listing_add(&listing, TEXT("javascript:a b%2F\xc3\xa9?#"), false, 0));
    CHECK(listing_add(&listing, TEXT("."), true, 0));
    CHECK(listing_add(&listing, TEXT(".."), true, 0));
    CHECK(listing_add(&listing, TEXT(".hidden"), false, 0));
    CHECK(listing_add(&listing, TEXT("a/b"), false, 0));
    CHECK(listing_add(&listing, TEXT("a\0b"), false, 0));
    CHECK(listing_add(&listing, TEXT(""), false, 0));
    CHECK_EQUAL(listing.count, 2);
    struct text text = written(sizeof(page));
    CHECK(has(text, "<a href=\"%3Cscript%3E%22%26%27\">&lt;script&gt;&quot;&amp;&#39;</a>"));
    CHECK(has(text, "<a href=\"javascript%3Aa%20b%252F%C3%A9%3F%23\">"));
    CHECK(!has(text, "<script") && !has(text, "hidden"));
}

// More entries or bytes than there is room for: the page is whole, in bounds, and says so.
static void test_bounds(void)
{
    char name[256];
    memset(&listing, 0, sizeof(listing));
    for (unsigned i = 0; i < LISTING_ENTRIES; i++) {
        snprintf(name, sizeof(name), "%06u", 999999 - i);
        CHECK(listing_add(&listing, text_of(name), false, UINT64_MAX));
    }
    CHECK(!listing.more && !listing_add(&listing, TEXT("x"), false, 0) && listing.more);
    for (unsigned i = 1; i < listing.count; i++) {
        CHECK(memcmp(listing.names + listing.entries[i - 1].name,
                     listing.names + listing.entries[i].name, 6) < 0);
    }
    struct text text = written(sizeof(page));
    CHECK(has(text, "998976") && has(text, "999999") && has(text, "There is more"));
    memset(&listing, 0, sizeof(listing));
    memset(name, '"', 255);
    unsigned count = 0;
    for (; count < LISTING_ENTRIES; count++) {
        if (!listing_add(&listing, (struct text){name, 255}, false, UINT64_MAX)) {
            break;
        }
    }
    CHECK_EQUAL(count, LISTING_NAMES / 255);
    CHECK(has(written(sizeof(page)), "There is more"));
    listing.more = false; // and what has no room on the page
    for (size_t size = 4096; size < 65536; size += 977) {
        text = written(size);
        CHECK(has(text, "There is more") && has(text, "</html>\n"));
    }
    listing.count = 0;
    CHECK(ends_whole(written(sizeof(page))));
}

int main(void)
{
    test_order();
    test_names();
    test_bounds();
    return 0;
}
