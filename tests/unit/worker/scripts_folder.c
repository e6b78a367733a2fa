#include "scripts_folder.h"

#include "story.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 256 };

static char dir[64];

int scripts_folder_make(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/scripts-test-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

int scripts_folder_remove(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *scripts_folder(void)
{
    return dir;
}

static const char *path_of(const char *name, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/%s", dir, name);
    return path;
}

void scripts_write(const char *name, const char *text)
{
    char path[PATH_SIZE];

    path_of(name, path);
    for (char *slash = path + strlen(dir) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        mkdir(path, 0700);
    }
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

void scripts_rename(const char *from, const char *to)
{
    char old[PATH_SIZE], new[PATH_SIZE];

    assert_int_equal(rename(path_of(from, old), path_of(to, new)), 0);
}

void scripts_delete(const char *name)
{
    char path[PATH_SIZE];

    assert_int_equal(unlink(path_of(name, path)), 0);
}
