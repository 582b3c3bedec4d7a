/* Choosing by name. */
#include <debug/choose.h>
#include <debug/printk.h>
#include <string.h>

static const char *name_of(const void *entry)
{
    return *(const char *const *)entry;
}

const void *choose(const char *argument, const char *name, const void *const table[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (name == NULL || strcmp(name, name_of(table[i])) == 0)
            return table[i];
    cprintf("%s=%s: there are", argument, name);
    for (size_t i = 0; i < n; i++)
        cprintf(" %s", name_of(table[i]));
    cprintf("\n");
    return NULL;
}
