/* How this SDK names itself in histories: docs/protocol.md, Flags. */
#pragma once

#define SDK_NAME "temporal-lua"
#define SDK_VERSION SIGNALROOM_VERSION
