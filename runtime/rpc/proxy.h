/*
 * An HTTP proxy that opens a tunnel (CONNECT) to the server, with basic authentication.
 *
 * gRPC's own reading of https_proxy drops the proxy silently when the password has a % escape
 * (grpc issue 26548), and so goes straight to the server; hence this room reads it and gives gRPC
 * the parts.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

struct proxy {
    char *address; /* host:port */
    char *headers; /* "Proxy-Authorization:Basic ...", NULL: none */
};

/* [http://][user[:password]@]host[:port][/], with % escapes in user and password; port 80 unless
 * given. The password and its coded form are registered for redaction. */
bool proxy_parse(struct proxy *out, const char *url, struct error *err);
void proxy_release(struct proxy *proxy);

/* Whether no_proxy, a list of names ("internal", ".example.com", "*", "host:port"), or being this
 * machine itself, takes the address past the proxy. */
bool proxy_is_bypassed(const char *address, const char *no_proxy);

/* The host of host:port, without the brackets of an IPv6 address. */
struct span proxy_host(const char *address);
