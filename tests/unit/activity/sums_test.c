/* Sums where OpenSSL may not make any. */
#include "bench.h"

#include <openssl/evp.h>

int main(void)
{
    struct bench bench;
    bench_open(&bench);
    assert_int_equal(EVP_default_properties_enable_fips(NULL, 1), 1);
    int failed = bench_stories(&bench, "tests/unit/activity/sums_stories.lua");
    assert_int_equal(EVP_default_properties_enable_fips(NULL, 0), 1);
    bench_close(&bench);
    return failed;
}
