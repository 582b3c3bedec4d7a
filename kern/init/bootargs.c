/* Parsing the kernel's command line. */
#include <init/init.h>
#include <string.h>

/* The value of an argument "name=value", or NULL where it has another name. */
static const char *value_of(const char *arg, const char *name)
{
    size_t n = strlen(name);

    return strncmp(arg, name, n) == 0 && arg[n] == '=' ? arg + n + 1 : NULL;
}

static bool blank(const char *s)
{
    while (*s == ' ')
        s++;
    return *s == '\0';
}

const char *bootargs_parse(char *line, struct bootargs *args)
{
    struct { const char *name; const char **value; } known[] = {
        { "selftest", &args->selftest }, { "pmm", &args->pmm }, { "sched", &args->sched },
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
        if (!found)
            return arg;
    }
    return NULL;
}
