#include "cli/paste.h"

#include <stdlib.h>

#include "base/memory.h"

enum { PASTE_MAX = 1 << 20 };

static const wchar_t ENDS[] = L"\033[201~";
enum { ENDS_SIZE = sizeof ENDS / sizeof *ENDS - 1 };

void paste_add(struct paste *paste, wchar_t next)
{
    if (paste->count + 1 >= paste->room) {
        paste->room = paste->room ? 2 * paste->room : 256;
        paste->text = memory_resize(paste->text, paste->room * sizeof *paste->text);
    }
    paste->text[paste->count++] = next;
    paste->text[paste->count] = L'\0';
}

static bool has_mark(const struct paste *paste)
{
    return paste->count >= ENDS_SIZE &&
           wmemcmp(paste->text + paste->count - ENDS_SIZE, ENDS, ENDS_SIZE) == 0;
}

bool paste_is_over(const struct paste *paste)
{
    return has_mark(paste) || paste->count >= PASTE_MAX;
}

static bool is_kept(wchar_t c)
{
    return c >= L' ' || c == L'\n' || c == L'\t';
}

const wchar_t *paste_text(struct paste *paste)
{
    size_t from = has_mark(paste) ? paste->count - ENDS_SIZE : paste->count;
    size_t count = 0;
    for (size_t i = 0; i < from; i++) {
        wchar_t c = paste->text[i] == L'\r' ? L'\n' : paste->text[i];
        if (is_kept(c))
            paste->text[count++] = c;
    }
    while (count && paste->text[count - 1] == L'\n')
        count--;
    if (!paste->text)
        return L"";
    paste->text[count] = L'\0';
    paste->count = count;
    return paste->text;
}

void paste_release(struct paste *paste)
{
    free(paste->text);
}
