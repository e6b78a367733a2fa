/* room: core; with: world confuse actor server invariant */
/* The fuzzer chooses what the property test leaves to a seed: how script, server and worker behave
 * (what was lived must replay equal), or, by the first byte, which nonsense a run is fed. */
#include <stdio.h>
#include <stdlib.h>

#include "../unit/core/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!size)
        return 0;
    struct chance chance = {.bytes = bytes + 1, .size = size - 1};
    if (*bytes & 1) {
        world_confuse(&chance);
        return 0;
    }
    const char *complaint = world_play(&chance);
    if (*complaint) {
        fprintf(stderr, "%s\n", complaint);
        abort();
    }
    return 0;
}
