#include "rpc/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { MAX_FILE = 1 << 20, CHUNK = 64 << 10 };

bool text_file_read(const char *path, struct bytes *text, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, "reading %s", path);
    ssize_t n;
    do {
        n = read(fd, bytes_reserve(text, CHUNK), CHUNK);
        if (n > 0)
            bytes_added(text, (size_t)n);
    } while ((n > 0 && text->size <= MAX_FILE) || (n < 0 && errno == EINTR));
    if (n < 0)
        error_errno(err, "reading %s", path);
    else if (text->size > MAX_FILE)
        error_set(err, ERROR_CONFIG, "%s is larger than %d bytes", path, MAX_FILE);
    close(fd);
    return n == 0;
}
