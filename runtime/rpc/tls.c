#include "rpc/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>

/* An encrypted key must fail, not ask on the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *user)
{
    (void)buffer, (void)size, (void)writing, (void)user;
    return 0;
}

static BIO *bio_of(const char *pem)
{
    return BIO_new_mem_buf(pem, -1);
}

static X509 *first_certificate(const char *pem)
{
    BIO *in = bio_of(pem);
    X509 *cert = PEM_read_bio_X509(in, NULL, no_passphrase, NULL);
    BIO_free(in);
    ERR_clear_error();
    return cert;
}

static EVP_PKEY *private_key(const char *pem)
{
    BIO *in = bio_of(pem);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);
    BIO_free(in);
    ERR_clear_error();
    return key;
}

static const char *from(const char *path)
{
    return path ? path : "the settings";
}

static bool check_authority(const struct rpc_config *config, struct error *err)
{
    X509 *ca = first_certificate(config->server_ca);
    X509_free(ca);
    return ca ||
           error_set(err, ERROR_CONFIG, "the server CA from %s holds no certificate in PEM form",
                     from(config->server_ca_path));
}

static bool check_pair(const struct rpc_config *config, struct error *err)
{
    bool ok = false;
    X509 *cert = first_certificate(config->client_cert);
    EVP_PKEY *key = private_key(config->client_key);
    if (!cert)
        error_set(err, ERROR_CONFIG,
                  "the client certificate from %s holds no certificate in PEM form",
                  from(config->client_cert_path));
    else if (!key)
        error_set(err, ERROR_CONFIG,
                  "the client key from %s holds no private key in PEM form without a passphrase",
                  from(config->client_key_path));
    else if (X509_check_private_key(cert, key) != 1)
        error_set(err, ERROR_CONFIG,
                  "the client certificate from %s and the key from %s are not a pair",
                  from(config->client_cert_path), from(config->client_key_path));
    else
        ok = true;
    ERR_clear_error();
    EVP_PKEY_free(key);
    X509_free(cert);
    return ok;
}

static bool check(const struct rpc_config *config, struct error *err)
{
    if (config->server_ca && !check_authority(config, err))
        return false;
    if (!config->client_cert && !config->client_key)
        return true;
    if (!config->client_cert || !config->client_key)
        return error_set(err, ERROR_CONFIG,
                         "mTLS needs both a client certificate and a client key: "
                         "the %s is missing",
                         config->client_cert ? "key" : "certificate");
    return check_pair(config, err);
}

/* gRPC's SSL credentials always verify; only its TLS credentials can be told not to. */
static grpc_channel_credentials *unverified(const struct rpc_config *config)
{
    grpc_tls_credentials_options *options = grpc_tls_credentials_options_create();
    grpc_tls_certificate_verifier *verifier = grpc_tls_certificate_verifier_no_op_create();
    grpc_tls_credentials_options_set_verify_server_cert(options, 0);
    grpc_tls_credentials_options_set_check_call_host(options, 0);
    grpc_tls_credentials_options_set_certificate_verifier(options, verifier);
    grpc_tls_certificate_verifier_release(verifier);
    if (config->client_cert) {
        grpc_tls_identity_pairs *pairs = grpc_tls_identity_pairs_create();
        grpc_tls_identity_pairs_add_pair(pairs, config->client_key, config->client_cert);
        grpc_tls_certificate_provider *provider =
            grpc_tls_certificate_provider_static_data_create(NULL, pairs);
        grpc_tls_credentials_options_set_certificate_provider(options, provider);
        grpc_tls_credentials_options_watch_identity_key_cert_pairs(options);
        grpc_tls_certificate_provider_release(provider);
    }
    return grpc_tls_credentials_create(options);
}

grpc_channel_credentials *tls_credentials(const struct rpc_config *config, struct error *err)
{
    if (!config->tls)
        return grpc_insecure_credentials_create();
    if (!check(config, err))
        return NULL;
    if (config->skip_host_verification)
        return unverified(config);
    grpc_ssl_pem_key_cert_pair pair = {.private_key = config->client_key,
                                       .cert_chain = config->client_cert};
    return grpc_ssl_credentials_create_ex(config->server_ca, config->client_cert ? &pair : NULL,
                                          NULL, NULL);
}

bool tls_seconds_left(const char *pem, double *seconds)
{
    int days = 0;
    int rest = 0;
    X509 *cert = first_certificate(pem);
    bool ok = cert && ASN1_TIME_diff(&days, &rest, NULL, X509_get0_notAfter(cert));
    *seconds = days * 86400.0 + rest;
    X509_free(cert);
    return ok;
}

void tls_use_system_roots(void)
{
    static const char *const known[] = {
        "/etc/ssl/certs/ca-certificates.crt", /* Debian */
        "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
        "/etc/ssl/cert.pem",                  /* Alpine */
    };
    const char *chosen = getenv("SSL_CERT_FILE");
    for (size_t i = 0; !chosen && i < sizeof known / sizeof *known; i++)
        if (access(known[i], R_OK) == 0)
            chosen = known[i];
    if (chosen)
        setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", chosen, 0);
}
