#include "base/log_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum { FILE_MODE = 0640 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool opened;
static char *path;
static int fd = -1;
static size_t size;
static size_t limit;

static bool open_it(void)
{
    struct stat about;
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return false;
    size = fstat(fd, &about) == 0 ? (size_t)about.st_size : 0;
    return true;
}

bool log_file_open(const char *at, size_t most, struct error *err)
{
    pthread_mutex_lock(&mutex);
    if (fd >= 0)
        close(fd);
    free(path);
    path = memory_copy_text(at);
    limit = most;
    bool ok = open_it();
    pthread_mutex_unlock(&mutex);
    atomic_store(&opened, ok);
    return ok || error_errno(err, "opening the log file %s", at);
}

bool log_file_is_open(void)
{
    return atomic_load(&opened);
}

/* Another process may have done it already: then the file that is there now is the new one. */
static void begin_anew(void)
{
    struct bytes old = {0};
    struct stat ours, there;
    bool is_there = fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino;
    bytes_printf(&old, "%s.old", path);
    if (is_there)
        rename(path, bytes_text(&old));
    bytes_release(&old);
    close(fd);
    open_it();
}

static void write_all(struct span line)
{
    while (line.size > 0) {
        ssize_t n = write(fd, line.data, line.size);
        if (n <= 0)
            return;
        line.data += n;
        line.size -= (size_t)n;
        size += (size_t)n;
    }
}

void log_file_write(struct span line)
{
    pthread_mutex_lock(&mutex);
    if (fd >= 0 && size > 0 && size + line.size > limit)
        begin_anew();
    if (fd >= 0)
        write_all(line);
    pthread_mutex_unlock(&mutex);
}
