/* The variables of a shell: see variables.h.

   They are in a small table that is searched from the front: a shell has few. A value is memory
   from malloc; setting a variable frees the old one. One thread uses them.

   Names that the shell sets itself are no names that a user can type before a =, so they need no
   place of their own. */
#include <stdlib.h>
#include <string.h>
#include <variables.h>

#define VARIABLES       64

static struct {
    char name[VARIABLE_NAME + 1];
    char *value;
} table[VARIABLES];
static size_t count;

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

const char *variable_get(const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].value;
    return "";
}

bool variable_set(const char *name, const char *value)
{
    size_t i = 0;
    char *copy = malloc(strlen(value) + 1);

    while (i < count && strcmp(table[i].name, name) != 0)
        i++;
    if (copy == NULL || i == VARIABLES || strlen(name) > VARIABLE_NAME) {
        free(copy);
        return false;
    }
    strcpy(copy, value);
    free(table[i].value);
    table[i].value = copy;
    if (i == count)
        strcpy(table[count++].name, name);
    return true;
}

bool variable_list(size_t index, const char **name, const char **value)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_letter(table[i].name[0]) || index-- > 0)
            continue;
        *name = table[i].name;
        *value = table[i].value;
        return true;
    }
    return false;
}

bool variable_character(char c, bool first)
{
    return is_letter(c) || (!first && c >= '0' && c <= '9');
}

bool variable_assignment(const char *text)
{
    size_t n = 0;

    while (variable_character(text[n], n == 0))
        n++;
    return n > 0 && n <= VARIABLE_NAME && text[n] == '=';
}
