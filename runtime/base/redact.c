#include "base/redact.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>

#include "base/memory.h"

enum { SHORTEST = 6, MASK_SIZE = 3 };

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static struct span *secrets;
static size_t secret_count;

static bool known(struct span secret)
{
    for (size_t i = 0; i < secret_count; i++)
        if (span_equal(secrets[i], secret))
            return true;
    return false;
}

static void keep(struct span secret)
{
    if (known(secret))
        return;
    secrets = memory_resize(secrets, (secret_count + 1) * sizeof *secrets);
    secrets[secret_count++] = (struct span){memory_copy(secret.data, secret.size), secret.size};
}

static void write_json(struct span secret, struct bytes *out)
{
    for (size_t i = 0; i < secret.size; i++) {
        if (secret.data[i] == '"' || secret.data[i] == '\\')
            bytes_add_char(out, '\\');
        bytes_add_char(out, secret.data[i]);
    }
}

static void write_address(struct span secret, struct bytes *out)
{
    for (size_t i = 0; i < secret.size; i++) {
        unsigned char c = (unsigned char)secret.data[i];
        if (isalnum(c) || (c && strchr("-._~", c)))
            bytes_add_char(out, (char)c);
        else
            bytes_printf(out, "%%%02X", c);
    }
}

bool redact_register(struct span secret)
{
    static void (*const writers[])(struct span, struct bytes *) = {write_json, write_address};
    if (secret.size < SHORTEST)
        return false;
    pthread_rwlock_wrlock(&lock);
    keep(secret);
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
        struct bytes written = {0};
        writers[i](secret, &written);
        keep(bytes_span(&written));
        bytes_release(&written);
    }
    pthread_rwlock_unlock(&lock);
    return true;
}

static void mask(struct bytes *text, struct span secret)
{
    size_t from = 0;
    char *hit;
    while (from < text->size &&
           (hit = memmem(text->data + from, text->size - from, secret.data, secret.size))) {
        size_t at = (size_t)(hit - text->data);
        size_t rest = text->size - at - secret.size;
        memcpy(hit, "***", MASK_SIZE);
        memmove(hit + MASK_SIZE, hit + secret.size, rest + 1);
        text->size -= secret.size - MASK_SIZE;
        from = at + MASK_SIZE;
    }
}

void redact(struct bytes *text)
{
    if (!text->size)
        return;
    pthread_rwlock_rdlock(&lock);
    for (size_t i = 0; i < secret_count; i++)
        mask(text, secrets[i]);
    pthread_rwlock_unlock(&lock);
}
