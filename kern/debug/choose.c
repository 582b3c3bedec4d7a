/* Choosing by name among structs that begin with their name: see choose.h.

   The table has pointers to structs of any type; all that is known of a struct here is that its
   first member is a pointer to its name. C allows that: the address of a struct is that of its
   first member (C11 6.7.2.1). The functions print, and do nothing else with the outside. */
#include <debug/choose.h>
#include <debug/printk.h>
#include <string.h>

/* The first member of a struct, which is its name. */
static const char *name_of(const void *entry)
{
    return *(const char *const *)entry;
}

/* Without a name the first entry matches. */
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
