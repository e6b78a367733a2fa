#include "base/utf8.h"

/* The size of the character at p, 0 when it is none. The second byte's range depends on the first:
 * that is where overlong forms, surrogates and numbers beyond U+10FFFF are refused. */
static size_t character_size(const unsigned char *p, size_t left)
{
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    size_t size;

    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    if (p[0] < 0xe0) {
        size = 2;
    } else if (p[0] < 0xf0) {
        size = 3;
        low = p[0] == 0xe0 ? 0xa0 : 0x80;
        high = p[0] == 0xed ? 0x9f : 0xbf;
    } else {
        size = 4;
        low = p[0] == 0xf0 ? 0x90 : 0x80;
        high = p[0] == 0xf4 ? 0x8f : 0xbf;
    }
    if (left < size || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

size_t utf8_prefix(struct span text)
{
    const unsigned char *p = (const unsigned char *)text.data;
    size_t at = 0;

    while (at < text.size) {
        uint64_t eight;
        while (text.size - at >= sizeof eight) {
            memcpy(&eight, p + at, sizeof eight);
            if (eight & UINT64_C(0x8080808080808080))
                break;
            at += sizeof eight;
        }
        if (at == text.size)
            break;
        size_t size = p[at] < 0x80 ? 1 : character_size(p + at, text.size - at);
        if (!size)
            return at;
        at += size;
    }
    return at;
}

void utf8_mend(struct span text, struct bytes *out)
{
    size_t good;

    while ((good = utf8_prefix(text)) < text.size) {
        bytes_add_span(out, (struct span){text.data, good});
        bytes_add_char(out, '?');
        text = (struct span){text.data + good + 1, text.size - good - 1};
    }
    bytes_add_span(out, text);
}
