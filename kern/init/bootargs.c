/* Parsing the kernel's command line, the boot arguments: words with blanks between them, which the
   device tree has in its node "chosen". Each is `name=value`, or a single word that switches
   something on. `init=` is the last one: its value is the rest of the line, because a program has
   arguments of its own.

   The line is cut in place: a struct bootargs points into it, so it must stay where it is for as
   long as they are used. Nothing here needs memory, locks or other harts, and nothing is done about
   an argument: kern/init/init.c does that. */
/* An example, and what becomes of it:

       sched=stride poison init=cat -n 'a file'
             ^                 ^
             sched             init: all that follows, with its blanks and quotes

   A later argument of the same name takes the place of an earlier one. Names are whole words: `pmm`
   or `pmmx=1` are unknown, and an argument that is unknown ends the boot, so that a mistake in
   typing does not go unnoticed. */
#ifdef CHECK
#include <debug/check.h>
#endif
#include <init/init.h>
#include <string.h>

/* The value of an argument "name=value", or NULL if it has another name. The value may be empty. */
static const char *value_of(const char *arg, const char *name)
{
    size_t n = strlen(name);

    return strncmp(arg, name, n) == 0 && arg[n] == '=' ? arg + n + 1 : NULL;
}

/* Is there nothing but blanks? Then init= names no program. */
static bool blank(const char *s)
{
    while (*s == ' ')
        s++;
    return *s == '\0';
}

/* Take one argument after the other from the line. An empty init= is unknown: it names nothing.
   Only blanks part arguments, so a value cannot have one; init= is the exception, and so it is the
   last. */
const char *bootargs_parse(char *line, struct bootargs *args)
{
    struct { const char *name; const char **value; } known[] = {
        { "selftest", &args->selftest }, { "pmm", &args->pmm }, { "sched", &args->sched },
        { "chaos", &args->chaos }, { "mem", &args->mem }, { "swap", &args->swap },
        { "fail", &args->fail },
        IF_CHECK({ "hold", &check_hold_limit }, { "bounds", &check_bounds },)
    };

    *args = (struct bootargs){ .init = NULL };
    while (*line != '\0') {
        const char *value = value_of(line, "init");
        char *arg = line;
        bool found = false;

        if (*line == ' ') {
            line++;
            continue;
        }
        if (value != NULL && !blank(value)) {
            args->init = value;
            return NULL;
        }
        line = strfind(line, ' ');
        if (*line != '\0')
            *line++ = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
            value = value_of(arg, known[i].name);
            if (value != NULL) {
                *known[i].value = value;
                found = true;
            }
        }
        if (strcmp(arg, "poison") == 0)
            args->poison = found = true;
        if (strcmp(arg, "nocow") == 0)
            args->nocow = found = true;
        if (strcmp(arg, "monitor") == 0)
            args->monitor = found = true;
        IF_CHECK(if (strcmp(arg, "locks") == 0) check_wants_report = found = true);
        IF_CHECK(if ((value = value_of(arg, "race")) != NULL) found = check_race_argument(value));
        if (!found)
            return arg;
    }
    return NULL;
}
