/* Names nobody else has: random UUIDs (RFC 9562, version 4) as text. */
#pragma once

enum { KEY_SIZE = 37 };

void key_make(char key[KEY_SIZE]);
