/* Choosing one of several implementations by a boot argument: pmm=NAME one of the page allocators,
   sched=NAME one of the scheduling classes.

   Each of these is a struct of functions whose first member is `const char *name`. mm and sched
   have a table of theirs each, and know nothing of boot arguments. All that is used here is that
   the address of a struct is that of its first member (C11 6.7.2.1), so that one function serves
   for structs of any type: it is told how large they are. */
#include <debug/printk.h>
#include <init/init.h>
#include <string.h>

/* The first member of a struct, which is its name. */
static const char *name_of(const void *entry)
{
    return *(const char *const *)entry;
}

/* Without a name the first entry matches: the order of the table says what the default is. If
   nothing matches, the names are printed in one line, so that whoever typed the argument need not
   look them up. */
const void *bootargs_choose(const char *argument, const char *name, const void *start,
                            const void *end, size_t size)
{
    for (const char *entry = start; entry < (const char *)end; entry += size)
        if (name == NULL || strcmp(name, name_of(entry)) == 0)
            return entry;
    cprintf("%s=%s: there are", argument, name != NULL ? name : "");
    for (const char *entry = start; entry < (const char *)end; entry += size)
        cprintf(" %s", name_of(entry));
    cprintf("\n");
    return NULL;
}
