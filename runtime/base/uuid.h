/* Names nobody else has: random UUIDs (RFC 9562, version 4) as text. */
#pragma once

enum { UUID_SIZE = 37 };

void uuid_make(char text[UUID_SIZE]);
