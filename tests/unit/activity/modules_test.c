/* Files, sums, settings and the log. */
#include "bench.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* What the log wrote during the stories. */
static void check_log(int fd)
{
    char text[8192] = "";
    assert_true(pread(fd, text, sizeof text - 1, 0) > 0);
    assert_non_null(
        strstr(text, "{\"count\":3,\"list\":[1,2],\"password\":\"***\",\"source\":\"everflow\","
                     "\"event\":\"rows_loaded\",\"level\":\"info\""));
    assert_null(strstr(text, "sesame-open"));
    assert_null(strstr(text, "too_quiet"));
    assert_non_null(strstr(text, "\"event\":\"key_used\""));
    assert_null(strstr(text, "PRIVATE KEY"));
}

static void give_pem(struct bench *bench, const char *name, EVP_PKEY *key, const char *passphrase)
{
    BIO *text = BIO_new(BIO_s_mem());
    char *pem;
    PEM_write_bio_PrivateKey(text, key, passphrase ? EVP_aes_128_cbc() : NULL, NULL, 0, NULL,
                             (void *)(uintptr_t)passphrase);
    long size = BIO_get_mem_data(text, &pem);
    char *copied = strndup(pem, (size_t)size);
    bench_text(bench, name, copied);
    free(copied);
    BIO_free(text);
}

/* Keys of several kinds, and what one of them makes of "hello". */
static void give_keys(struct bench *bench)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048), *ec = EVP_EC_gen("P-256");
    give_pem(bench, "rsa_key", rsa, NULL);
    give_pem(bench, "locked_key", rsa, "sesame");
    give_pem(bench, "ec_key", ec, NULL);
    unsigned char signature[256];
    size_t size = sizeof signature;
    EVP_MD_CTX *sum = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(sum, NULL, EVP_sha256(), NULL, rsa), 1);
    assert_int_equal(EVP_DigestSign(sum, signature, &size, (const unsigned char *)"hello", 5), 1);
    EVP_MD_CTX_free(sum);
    char digits[2 * sizeof signature + 1];
    for (size_t i = 0; i < size; i++)
        snprintf(digits + 2 * i, 3, "%02x", signature[i]);
    bench_text(bench, "rsa_signature", digits);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
}

int main(void)
{
    struct bench bench;
    char folder[] = "/tmp/signalroom-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/secret", folder);
    FILE *file = fopen(path, "w");
    fputs("from a file\n", file);
    fclose(file);
    setenv("STORY_SECRET", "sesame-open", 1);
    setenv("FILED_SECRET_FILE", path, 1);
    setenv("LOST_SECRET_FILE", "/nowhere/secret", 1);
    setenv("EMPTY_SETTING", "", 1);

    snprintf(path, sizeof path, "%s/log", folder);
    int fd = open(path, O_RDWR | O_CREAT, 0600), terminal = dup(STDERR_FILENO);
    log_configure((struct log_options){.level = LOG_INFO, .json = true});
    bench_open(&bench);
    bench_text(&bench, "folder", folder);
    give_keys(&bench);
    dup2(fd, STDERR_FILENO);
    int failed = bench_stories(&bench, "tests/unit/activity/modules_stories.lua");
    dup2(terminal, STDERR_FILENO);
    bench_close(&bench);
    if (!failed)
        check_log(fd);
    remove(path);
    snprintf(path, sizeof path, "%s/secret", folder);
    remove(path);
    assert_int_equal(rmdir(folder), 0);
    close(fd);
    close(terminal);
    return failed;
}
