/* What scripts do with what history says, told as replays in all three ways. */
#include "story.h"

#include "workflow/theatre.h"

static void an_activity_is_called_and_its_result_returned(void **state)
{
    (void)state;
    theatre_replays("workflow 'Hello' { run = function(name)\n"
                    "  return { said = workflow.call('greet', name) }\n"
                    "end }",
                    "start Hello 'Ann'; task; activity 1 greet; done 1 'hi Ann'; task;"
                    "complete {'said':'hi Ann'}");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, theatre_open, theatre_close)

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(an_activity_is_called_and_its_result_returned),
    };

    return RUN_STORIES("replay", stories);
}
