/* Small files of text: settings and certificates, up to 1 MB. */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

/* Appends what the file holds. */
bool text_file_read(const char *path, struct bytes *text, struct error *err);
