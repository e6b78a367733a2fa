/* How this SDK names itself, to servers and in histories (docs/protocol.md, Headers and Flags). */
#pragma once

#define SDK_NAME "temporal-lua"
#define SDK_VERSION SIGNALROOM_VERSION
