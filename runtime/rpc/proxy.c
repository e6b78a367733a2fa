#include "rpc/proxy.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <strings.h>

#include "base/memory.h"
#include "base/redact.h"

#define DEFAULT_PORT ":80"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(struct span text, struct bytes *out)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.size ? hex_value(text.data[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_value(text.data[i + 2]);
            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        bytes_add_char(out, c);
    }
    return true;
}

static struct span before(struct span *rest, char mark)
{
    const char *hit = memchr(rest->data, mark, rest->size);
    size_t size = hit ? (size_t)(hit - rest->data) : rest->size;
    struct span part = {rest->data, size};
    size_t skip = hit ? size + 1 : size;
    *rest = (struct span){rest->data + skip, rest->size - skip};
    return part;
}

/* The last @ parts the user from the host: some put an unescaped one into the password. */
static struct span take_user(struct span *rest)
{
    const char *hit = memrchr(rest->data, '@', rest->size);
    if (!hit)
        return (struct span){0};
    struct span user = {rest->data, (size_t)(hit - rest->data)};
    *rest = (struct span){hit + 1, rest->size - user.size - 1};
    return user;
}

static char *basic_header(const struct bytes *credentials)
{
    struct bytes header = {0};
    struct bytes coded = {0};
    char *place = bytes_reserve(&coded, 4 * (credentials->size + 2) / 3 + 4);
    int size = EVP_EncodeBlock((unsigned char *)place, (const unsigned char *)credentials->data,
                               (int)credentials->size);
    bytes_added(&coded, (size_t)size);
    redact_register(bytes_span(&coded));
    bytes_printf(&header, "Proxy-Authorization:Basic %s", bytes_text(&coded));
    bytes_release(&coded);
    return header.data;
}

static bool add_credentials(struct proxy *proxy, struct span user, struct error *err)
{
    struct bytes credentials = {0};
    struct span password = user;
    struct span name = before(&password, ':');
    bool ok = decode(name, &credentials);
    bytes_add_char(&credentials, ':');
    size_t start = credentials.size;
    ok = ok && decode(password, &credentials);
    if (ok) {
        redact_register(password);
        redact_register((struct span){credentials.data + start, credentials.size - start});
        proxy->headers = basic_header(&credentials);
    }
    bytes_release(&credentials);
    return ok || error_set(err, ERROR_CONFIG,
                           "the user or password in the proxy's address holds a "
                           "%% without two hexadecimal digits (write %%25)");
}

static bool take_scheme(struct span *rest, struct error *err)
{
    const char *mark = memmem(rest->data, rest->size, "://", 3);
    if (!mark)
        return true;
    size_t size = (size_t)(mark - rest->data);
    if (size != 4 || strncasecmp(rest->data, "http", 4) != 0)
        return error_set(err, ERROR_CONFIG,
                         "the proxy's address must begin with http://: gRPC "
                         "speaks plain HTTP to a proxy");
    *rest = (struct span){mark + 3, rest->size - size - 3};
    return true;
}

bool proxy_parse(struct proxy *out, const char *url, struct error *err)
{
    struct proxy proxy = {0};
    struct span rest = span_of(url);
    if (!take_scheme(&rest, err))
        return false;
    struct span user = take_user(&rest);
    struct span host = before(&rest, '/');
    if (host.size == 0)
        return error_set(err, ERROR_CONFIG, "the proxy's address has no host");
    if (user.size && !add_credentials(&proxy, user, err))
        return false;
    proxy.address = memory_copy(host.data, host.size);
    struct span name = proxy_host(proxy.address);
    const char *behind = name.data + name.size;
    behind += *behind == ']';
    if (*behind != ':') {
        struct bytes address = {0};
        bytes_printf(&address, "%s" DEFAULT_PORT, proxy.address);
        free(proxy.address);
        proxy.address = address.data;
    }
    *out = proxy;
    return true;
}

void proxy_release(struct proxy *proxy)
{
    free(proxy->address);
    free(proxy->headers);
    *proxy = (struct proxy){0};
}

struct span proxy_host(const char *address)
{
    if (address[0] == '[')
        return (struct span){address + 1, strcspn(address + 1, "]")};
    return (struct span){address, strcspn(address, ":")};
}

static bool same(struct span a, struct span b)
{
    return a.size == b.size && strncasecmp(a.data, b.data, a.size) == 0;
}

static bool ends_with_name(struct span host, struct span name)
{
    if (host.size <= name.size || host.data[host.size - name.size - 1] != '.')
        return false;
    return same((struct span){host.data + host.size - name.size, name.size}, name);
}

static bool is_here(struct span host)
{
    return same(host, SPAN("localhost")) || ends_with_name(host, SPAN("localhost")) ||
           same(host, SPAN("::1")) || (host.size > 4 && memcmp(host.data, "127.", 4) == 0);
}

static struct span trim(struct span s)
{
    while (s.size && strchr(" \t", s.data[0]))
        s = (struct span){s.data + 1, s.size - 1};
    while (s.size && strchr(" \t", s.data[s.size - 1]))
        s.size--;
    return s;
}

bool proxy_is_bypassed(const char *address, const char *no_proxy)
{
    struct span host = proxy_host(address);
    struct span rest = span_of(no_proxy);
    if (is_here(host))
        return true;
    while (rest.size) {
        struct span name = trim(before(&rest, ','));
        if (same(name, SPAN("*")) || (name.size && same(name, span_of(address))))
            return true;
        if (name.size > 1 && memcmp(name.data, "*.", 2) == 0)
            name = (struct span){name.data + 1, name.size - 1};
        if (name.size && name.data[0] == '.')
            name = (struct span){name.data + 1, name.size - 1};
        if (name.size && (same(name, host) || ends_with_name(host, name)))
            return true;
    }
    return false;
}
