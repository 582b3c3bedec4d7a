/* Target: the kernel's command line, kern/init/bootargs.c. The input is the line.

   What is found must be what the line says, by another reading of it: all words are known, or the
   first that is not is told; a value is the rest of the last word that names it, and what init= has
   is the rest of the line. The line lies in memory of exactly its size. */
#include "below.h"
#include <init/init.h>
#include <string.h>

const char *const target_name = "bootargs";
const char *const target_counts[] = { "lines taken", "lines refused", NULL };

/* Does [word, end) begin with the name, and a = behind it? The value, or NULL. */
static const char *value_in(const char *word, const char *end, const char *name)
{
    size_t n = strlen(name);

    return (size_t)(end - word) > n && memcmp(word, name, n) == 0 && word[n] == '=' ? word + n + 1
        : NULL;
}

/* Is it this word, whole? */
static bool is_word(const char *word, const char *end, const char *name)
{
    return (size_t)(end - word) == strlen(name) && memcmp(word, name, end - word) == 0;
}

/* Are there only blanks up to the line's end? */
static bool is_blank(const char *text)
{
    while (*text == ' ')
        text++;
    return *text == '\0';
}

/* Is the value of an argument the text from `from` of the line to `end`? */
static bool is_text(const char *value, const char *from, const char *end)
{
    return value != NULL && strlen(value) == (size_t)(end - from)
        && memcmp(value, from, end - from) == 0;
}

/* Read the line once more, word by word, and compare. */
static void compare(const char *line, const struct bootargs *args, const char *unknown)
{
    struct { const char *name, *value, *from, *end; } known[] = {
        { "selftest", args->selftest, NULL, NULL }, { "pmm", args->pmm, NULL, NULL },
        { "sched", args->sched, NULL, NULL }, { "swap", args->swap, NULL, NULL },
        { "chaos", args->chaos, NULL, NULL }, { "mem", args->mem, NULL, NULL },
    };

    for (const char *word = line, *end; *word != '\0'; word = end) {
        bool found = false;

        for (; *word == ' '; word++)
            ;
        for (end = word; *end != '\0' && *end != ' '; end++)
            ;
        if (word == end)
            break;
        const char *init = value_in(word, end, "init");
        if (init != NULL && !is_blank(init)) {
            assert(is_text(args->init, init, init + strlen(init)) && unknown == NULL);
            break;
        }
        for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
            const char *value = value_in(word, end, known[i].name);

            if (value != NULL) {
                known[i].from = value;
                known[i].end = end;
                found = true;
            }
        }
        found = found || is_word(word, end, "poison") || is_word(word, end, "nocow")
            || is_word(word, end, "monitor");
        if (!found) {
            assert(is_text(unknown, word, end));
            return;
        }
    }
    assert(unknown == NULL);
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        assert(known[i].from == NULL ? known[i].value == NULL
               : is_text(known[i].value, known[i].from, known[i].end));
}

int LLVMFuzzerTestOneInput(const host_byte *data, unsigned long size)
{
    char *line = host_alloc(size + 1), *cut = host_alloc(size + 1);
    struct bootargs args;

    below_begin(0);
    for (size_t i = 0; i < size; i++)
        line[i] = data[i] != '\0' ? data[i] : ' ';
    line[size] = '\0';
    memcpy(cut, line, size + 1);
    const char *unknown = bootargs_parse(cut, &args);
    compare(line, &args, unknown);
    host_counts[unknown != NULL]++;
    host_free(line);
    host_free(cut);
    below_end();
    return 0;
}

/* Words of the kernel's command line, and parts of them. */
unsigned long LLVMFuzzerCustomMutator(host_byte *data, unsigned long size, unsigned long max,
                                      unsigned int seed)
{
    static const char *const words[] = {
        "init=", "selftest=fdt", "pmm=", "sched=rr ", " ", "chaos=7", " mem=64M", "swap=clock ",
        "poison", " nocow ", "monitor", "=", "init= ", "poison=", "initx=a", "pm",
    };
    uint64_t state = random_begin(seed);
    const char *word = words[random_next(&state) % ARRAY_SIZE(words)];
    size_t length = strlen(word), at = size > 0 ? random_next(&state) % (size + 1) : 0;

    if (random_next(&state) % 3 == 0 || size + length > max)
        return LLVMFuzzerMutate(data, size, max);
    memmove(data + at + length, data + at, size - at);
    memcpy(data + at, word, length);
    return size + length;
}
