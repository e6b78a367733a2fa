/*
 * The Lua module "crypto". All sums and codes are bytes in, bytes out; crypto.hex and crypto.base64
 * make them readable. Texts are short here (keys, requests): a sum of 64 MB takes a tenth of a
 * second, and whoever sums files does it chunk by chunk with crypto.start.
 */
#include <lauxlib.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "activity/failure.h"
#include "activity/modules.h"
#include "activity/scratch.h"
#include "base/memory.h"
#include "base/redact.h"

#define SUM "signalroom.crypto.sum"

enum { RANDOM_MAX = 1 << 20 };

static struct span text_at(lua_State *L, int index)
{
    struct span text;
    text.data = luaL_checklstring(L, index, &text.size);
    return text;
}

/* --- sums --- */

static const EVP_MD *kind_at(lua_State *L, int index)
{
    static const char *const names[] = {"sha256", "sha1", "sha512", "md5", NULL};
    const EVP_MD *(*const kinds[])(void) = {EVP_sha256, EVP_sha1, EVP_sha512, EVP_md5};
    return kinds[luaL_checkoption(L, index, NULL, names)]();
}

/* OpenSSL may be set up to refuse what is weak: MD5 where FIPS rules. */
static void check_sum(lua_State *L, bool made, const EVP_MD *kind)
{
    if (!made)
        failure_raise(L, "ValueError", "this machine's OpenSSL refuses %s", EVP_MD_get0_name(kind));
}

static int push_digest(lua_State *L, const EVP_MD *kind)
{
    struct span text = text_at(L, 1);
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned int size;
    check_sum(L, EVP_Digest(text.data, text.size, sum, &size, kind, NULL) == 1, kind);
    lua_pushlstring(L, (const char *)sum, size);
    return 1;
}

static int md5(lua_State *L)
{
    return push_digest(L, EVP_md5());
}

static int sha1(lua_State *L)
{
    return push_digest(L, EVP_sha1());
}

static int sha256(lua_State *L)
{
    return push_digest(L, EVP_sha256());
}

static int sha512(lua_State *L)
{
    return push_digest(L, EVP_sha512());
}

/* hmac(kind, key, text) */
static int hmac(lua_State *L)
{
    const EVP_MD *kind = kind_at(L, 1);
    struct span key = text_at(L, 2), text = text_at(L, 3);
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned int size;
    check_sum(L,
              HMAC(kind, key.data, (int)key.size, (const unsigned char *)text.data, text.size, sum,
                   &size) != NULL,
              kind);
    lua_pushlstring(L, (const char *)sum, size);
    return 1;
}

/* start(kind) -> sum, with sum:add(text) and sum:finish() */
static int start(lua_State *L)
{
    const EVP_MD *kind = kind_at(L, 1);
    EVP_MD_CTX **sum = lua_newuserdata(L, sizeof *sum);
    *sum = memory_need(EVP_MD_CTX_new());
    luaL_getmetatable(L, SUM);
    lua_setmetatable(L, -2);
    check_sum(L, EVP_DigestInit_ex(*sum, kind, NULL) == 1, kind);
    return 1;
}

static EVP_MD_CTX *sum_check(lua_State *L)
{
    EVP_MD_CTX **sum = luaL_checkudata(L, 1, SUM);
    if (!*sum)
        failure_raise(L, "ValueError", "this sum is finished");
    return *sum;
}

static int sum_add(lua_State *L)
{
    EVP_MD_CTX *sum = sum_check(L);
    struct span text = text_at(L, 2);
    EVP_DigestUpdate(sum, text.data, text.size);
    lua_settop(L, 1);
    return 1;
}

static int sum_free(lua_State *L)
{
    EVP_MD_CTX **sum = luaL_checkudata(L, 1, SUM);
    EVP_MD_CTX_free(*sum);
    *sum = NULL;
    return 0;
}

static int sum_finish(lua_State *L)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int size;
    EVP_DigestFinal_ex(sum_check(L), bytes, &size);
    sum_free(L);
    lua_pushlstring(L, (const char *)bytes, size);
    return 1;
}

/* --- signatures --- */

/* A key under a passphrase is refused, where OpenSSL would ask for it at the terminal. */
static int no_passphrase(char *place, int size, int writing, void *user)
{
    (void)place, (void)size, (void)writing, (void)user;
    return -1;
}

/* The RSA key in a PEM text, NULL when it holds none. */
static EVP_PKEY *read_key(struct span pem)
{
    BIO *text = memory_need(BIO_new_mem_buf(pem.data, (int)pem.size));
    EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, no_passphrase, NULL);
    BIO_free(text);
    if (!key || EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

static bool sign(EVP_PKEY *key, struct span text, struct bytes *out)
{
    EVP_MD_CTX *sum = memory_need(EVP_MD_CTX_new());
    size_t size = (size_t)EVP_PKEY_get_size(key);
    unsigned char *place = (unsigned char *)bytes_reserve(out, size);
    bool good = EVP_DigestSignInit(sum, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestSign(sum, place, &size, (const unsigned char *)text.data, text.size) == 1;
    EVP_MD_CTX_free(sum);
    if (good)
        bytes_added(out, size);
    return good;
}

/* As it stands, and as it stands in JSON. */
static void hide_key(struct span pem, struct bytes *scratch)
{
    redact_register(pem);
    for (size_t i = 0; i < pem.size; i++) {
        if (pem.data[i] == '\n')
            bytes_add_text(scratch, "\\n");
        else
            bytes_add_char(scratch, pem.data[i]);
    }
    redact_register(bytes_span(scratch));
    bytes_clear(scratch);
}

/* rs256(pem, text) -> signature, RSASSA-PKCS1-v1_5 with SHA-256. The key is a secret from then on.
 */
static int rs256(lua_State *L)
{
    struct span pem = text_at(L, 1), text = text_at(L, 2);
    struct bytes *out = scratch_push(L);
    hide_key(pem, out);
    EVP_PKEY *key = read_key(pem);
    bool good = key && sign(key, text, out);
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (!good)
        failure_raise(L, "ValueError",
                      "crypto.rs256 takes an RSA private key in PEM form, without a passphrase");
    lua_pushlstring(L, bytes_text(out), out->size);
    return 1;
}

/* --- codes --- */

static int hex(lua_State *L)
{
    static const char digits[] = "0123456789abcdef";
    struct span text = text_at(L, 1);
    struct bytes *out = scratch_push(L);
    for (size_t i = 0; i < text.size; i++) {
        bytes_add_char(out, digits[(unsigned char)text.data[i] >> 4]);
        bytes_add_char(out, digits[(unsigned char)text.data[i] & 15]);
    }
    lua_pushlstring(L, bytes_text(out), out->size);
    return 1;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int unhex(lua_State *L)
{
    struct span text = text_at(L, 1);
    struct bytes *out = scratch_push(L);
    bool good = text.size % 2 == 0;
    for (size_t i = 0; good && i < text.size; i += 2) {
        int high = digit_of(text.data[i]), low = digit_of(text.data[i + 1]);
        good = high >= 0 && low >= 0;
        bytes_add_char(out, (char)(high * 16 + low));
    }
    if (!good)
        failure_raise(L, "ValueError", "crypto.unhex takes pairs of hexadecimal digits");
    lua_pushlstring(L, bytes_text(out), out->size);
    return 1;
}

static int base64(lua_State *L)
{
    struct span text = text_at(L, 1);
    struct bytes *out = scratch_push(L);
    char *place = bytes_reserve(out, (text.size + 2) / 3 * 4 + 1);
    int size =
        EVP_EncodeBlock((unsigned char *)place, (const unsigned char *)text.data, (int)text.size);
    lua_pushlstring(L, place, (size_t)size);
    return 1;
}

/* The alphabet for URLs, without padding. */
static int base64url(lua_State *L)
{
    base64(L);
    struct bytes *out = scratch_push(L);
    bytes_add_span(out, text_at(L, -2));
    while (out->size && out->data[out->size - 1] == '=')
        out->size--;
    for (size_t i = 0; i < out->size; i++)
        out->data[i] = out->data[i] == '+' ? '-' : out->data[i] == '/' ? '_' : out->data[i];
    lua_pushlstring(L, bytes_text(out), out->size);
    return 1;
}

/* Reads both alphabets, with padding or without. */
static int unbase64(lua_State *L)
{
    struct span text = text_at(L, 1);
    struct bytes *in = scratch_push(L), *out = scratch_push(L);
    while (text.size && text.data[text.size - 1] == '=')
        text.size--;
    for (size_t i = 0; i < text.size; i++)
        bytes_add_char(in, text.data[i] == '-' ? '+' : text.data[i] == '_' ? '/' : text.data[i]);
    while (in->size % 4)
        bytes_add_char(in, '=');
    unsigned char *place = (unsigned char *)bytes_reserve(out, in->size + 1);
    int size = in->size ? EVP_DecodeBlock(place, (unsigned char *)in->data, (int)in->size) : 0;
    if (size < 0 || text.size % 4 == 1)
        failure_raise(L, "ValueError", "this is not base64");
    lua_pushlstring(L, (char *)place, text.size * 3 / 4);
    return 1;
}

/* --- chance --- */

static int random_bytes(lua_State *L)
{
    lua_Integer count = luaL_checkinteger(L, 1);
    if (count < 0 || count > RANDOM_MAX)
        failure_raise(L, "ValueError", "crypto.random gives 0 to %d bytes", RANDOM_MAX);
    struct bytes *out = scratch_push(L);
    char *place = bytes_reserve(out, (size_t)count + 1);
    if (RAND_bytes((unsigned char *)place, (int)count) != 1)
        failure_raise(L, "SystemError", "the system has no random bytes");
    lua_pushlstring(L, place, (size_t)count);
    return 1;
}

static int uuid(lua_State *L)
{
    unsigned char b[16];
    char text[40];
    if (RAND_bytes(b, sizeof b) != 1)
        failure_raise(L, "SystemError", "the system has no random bytes");
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(text, sizeof text,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
    lua_pushstring(L, text);
    return 1;
}

/* In a time that does not tell where they differ. */
static int equal(lua_State *L)
{
    struct span a = text_at(L, 1), b = text_at(L, 2);
    lua_pushboolean(L, a.size == b.size && CRYPTO_memcmp(a.data, b.data, a.size) == 0);
    return 1;
}

static const luaL_Reg sum_functions[] = {
    {"add",    sum_add   },
    {"finish", sum_finish},
    {"__gc",   sum_free  },
    {NULL,     NULL      },
};

static const luaL_Reg functions[] = {
    {"md5",       md5         },
    {"sha1",      sha1        },
    {"sha256",    sha256      },
    {"sha512",    sha512      },
    {"hmac",      hmac        },
    {"start",     start       },
    {"rs256",     rs256       },
    {"hex",       hex         },
    {"unhex",     unhex       },
    {"base64",    base64      },
    {"base64url", base64url   },
    {"unbase64",  unbase64    },
    {"random",    random_bytes},
    {"uuid",      uuid        },
    {"equal",     equal       },
    {NULL,        NULL        },
};

int crypto_open(lua_State *L)
{
    luaL_newmetatable(L, SUM);
    luaL_register(L, NULL, sum_functions);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
