/* How this SDK names itself in histories: temporal-worker.md 2.14. */
#pragma once

#define SDK_NAME "temporal-lua"
#define SDK_VERSION SIGNALROOM_VERSION
