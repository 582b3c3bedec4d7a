/* Patterns of file names: see glob.h.

   The directory that the pattern's last name is in is read once, and each name that fits is put in
   its place of the list, which is kept in order. A pattern is compared by going back: after a *
   that took too little, it takes one character more; only the last * needs to be thought of,
   because what an earlier one may take more, the last one can take instead. So it takes no memory,
   and at most the product of the two lengths in steps. */
#include <dir.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

bool glob_is_plain(const char *word)
{
    return strchr(word, GLOB_ANY) == NULL && strchr(word, GLOB_ONE) == NULL;
}

char *glob_plain(char *pattern)
{
    for (char *c = pattern; *c != '\0'; c++)
        *c = *c == GLOB_ANY ? '*' : *c == GLOB_ONE ? '?' : *c;
    return pattern;
}

bool glob_fits(const char *pattern, const char *name)
{
    const char *star = NULL, *taken = NULL;     /* the last *, and where what it takes ends */

    while (*name != '\0') {
        if (*pattern == GLOB_ANY) {
            star = pattern++;
            taken = name;
        } else if (*pattern == GLOB_ONE || *pattern == *name) {
            pattern++;
            name++;
        } else if (star != NULL) {
            pattern = star + 1;
            name = ++taken;
        } else {
            return false;
        }
    }
    while (*pattern == GLOB_ANY)
        pattern++;
    return *pattern == '\0';
}

/* Put a path into the list where it belongs. False if it does not fit in. */
static bool add_name(struct glob *glob, const char *directory, const char *name)
{
    char *path = glob->count < GLOB_MAX ? malloc(strlen(directory) + strlen(name) + 1) : NULL;
    int i = glob->count;

    if (path == NULL)
        return false;
    strcpy(path, directory);
    strcat(path, name);
    for (; i > 0 && strcmp(glob->names[i - 1], path) > 0; i--)
        glob->names[i] = glob->names[i - 1];
    glob->names[i] = path;
    glob->count++;
    return true;
}

int glob_open(struct glob *glob, const char *pattern)
{
    const char *last = strrchr(pattern, '/');
    size_t length = last != NULL ? last + 1 - pattern : 0;
    char directory[FS_MAX_FPATH_LEN + 1];
    struct dirent *entry;
    bool room = true;

    glob->count = 0;
    if (length >= sizeof(directory))
        return 0;
    memcpy(directory, pattern, length);
    directory[length] = '\0';
    pattern += length;
    DIR *dir = glob_is_plain(directory) ? opendir(length > 0 ? directory : ".") : NULL;
    while (dir != NULL && room && (entry = readdir(dir)) != NULL)
        if (glob_fits(pattern, entry->name) && (entry->name[0] != '.' || pattern[0] == '.'))
            room = add_name(glob, directory, entry->name);
    if (dir != NULL)
        closedir(dir);
    return room ? glob->count : GLOB_TOO_MANY;
}

void glob_close(struct glob *glob)
{
    while (glob->count > 0)
        free(glob->names[--glob->count]);
}
