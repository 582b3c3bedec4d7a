/* Completing what is typed: see complete.h.

   The word at the end of the line is cut into a directory and the beginning of a name. All names of
   the directory that begin so are candidates: of the first word of a command without a / these are
   the names in /bin and the shell's own. Each candidate is offered to a function, which either
   keeps what all have in common, or prints it. So there is one walk, and no list is kept. */
#include <complete.h>
#include <dir.h>
#include <stat.h>
#include <stdio.h>
#include <string.h>

#define NAME_SIZE       257             /* the longest name, a mark behind it, and its end */
#define WIDTH           78              /* of the screen, in characters */

/* What is being completed, and what was found so far. */
struct search {
    char directory[FS_MAX_FPATH_LEN + 1];   /* empty: the current one */
    const char *prefix;                 /* the beginning of the name; in the line */
    bool first;                         /* it is the first word of a command */
    int found;
    char common[NAME_SIZE];             /* what all that were found begin with */
    int column;                         /* of the list that is printed */
};

static const char *const *commands;

void complete_set_commands(const char *const *names)
{
    commands = names;
}

/* One more name: keep what it has in common with those before. */
static void keep_common(struct search *search, const char *name)
{
    size_t n = 0;

    if (search->found++ == 0) {
        snprintf(search->common, NAME_SIZE, "%s", name);
        return;
    }
    while (search->common[n] != '\0' && search->common[n] == name[n])
        n++;
    search->common[n] = '\0';
}

/* One more name: print it, in columns. */
static void print_name(struct search *search, const char *name)
{
    int width = (int)strlen(name) + 2;

    if (search->column + width > WIDTH) {
        cprintf("\n");
        search->column = 0;
    }
    search->column += width;
    cprintf("%s  ", name);
}

/* Offer a name to fn if it begins with the prefix. A directory is shown with a / behind it. */
static void offer(struct search *search, const char *name, bool in_directory,
                  void (*fn)(struct search *, const char *))
{
    char path[sizeof(search->directory) + NAME_SIZE], shown[NAME_SIZE];
    struct stat stat;

    if (strncmp(name, search->prefix, strlen(search->prefix)) != 0
        || (name[0] == '.' && search->prefix[0] != '.'))
        return;
    snprintf(path, sizeof(path), "%s%s", search->directory, name);
    bool directory = in_directory && lstat(path, &stat) == 0 && S_ISDIR(stat.st_mode);
    snprintf(shown, sizeof(shown), "%s%s", name, directory ? "/" : "");
    fn(search, shown);
}

/* Offer all names of a directory. */
static void offer_names(struct search *search, const char *directory, bool look,
                        void (*fn)(struct search *, const char *))
{
    DIR *dir = opendir(directory);
    struct dirent *entry;

    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL)
        offer(search, entry->name, look, fn);
    closedir(dir);
}

/* Find the word at the end of the text, and offer all candidates to fn. */
static void search_names(struct search *search, const char *text,
                         void (*fn)(struct search *, const char *))
{
    const char *word = text + strlen(text), *before, *slash;

    while (word > text && strchr(" \t;&|<>", word[-1]) == NULL)
        word--;
    for (before = word; before > text && before[-1] == ' '; before--)
        ;
    slash = strrchr(word, '/');
    search->first = slash == NULL && (before == text || strchr(";&|", before[-1]) != NULL);
    search->prefix = slash != NULL ? slash + 1 : word;
    size_t length = search->prefix - word;
    if (length >= sizeof(search->directory))
        return;
    memcpy(search->directory, word, length);
    search->directory[length] = '\0';
    if (!search->first) {
        offer_names(search, length > 0 ? search->directory : ".", true, fn);
        return;
    }
    offer_names(search, "/bin", false, fn);
    for (const char *const *name = commands; name != NULL && *name != NULL; name++)
        offer(search, *name, false, fn);
}

/* See line.h. If one name fits, a blank follows it, but not behind the / of a directory. */
static int complete(const char *text, char *added, size_t size)
{
    static struct search search;

    search.found = search.column = 0;
    search.common[0] = added[0] = '\0';
    search_names(&search, text, keep_common);
    if (search.found == 0)
        return 0;
    const char *rest = search.common + strlen(search.prefix);
    size_t length = strlen(search.common);
    bool whole = search.found == 1 && length > 0 && search.common[length - 1] != '/';
    snprintf(added, size, "%s%s", rest, whole ? " " : "");
    return search.found;
}

static void list(const char *text)
{
    static struct search search;

    search.column = 0;
    search_names(&search, text, print_name);
    cprintf("\n");
}

const struct line_completer shell_completer = { complete, list };
