/* What files in S3 need: signatures, names, CSV into plans, gzip. */
#include "bench.h"

int main(void)
{
    struct bench bench;
    bench_open(&bench);
    int failed = bench_stories(&bench, "tests/unit/activity/s3_stories.lua");
    bench_close(&bench);
    return failed;
}
