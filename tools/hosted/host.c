/* The host side of a target: memory, output, and without libFuzzer a driver with the same options
   as far as tools/hosted.py uses them.

     TARGET [-runs=N] [-seed=S] [-max_len=BYTES] [-timeout=SECONDS] [-artifact_prefix=PATH]
            [FILE or folder ...]

   Each file is given to the target as it is; then N inputs are made of them by its mutator, from
   the seed S: the same inputs in each run on each machine. An input at which the program ends,
   or which takes more CPU time than the time-out, is left in the file PATHfound. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include "host.h"

#if defined(__SANITIZE_ADDRESS__)
#define WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#endif
#ifdef WATCHED
void __asan_poison_memory_region(void const volatile *from, size_t size);
void __asan_unpoison_memory_region(void const volatile *from, size_t size);
void __sanitizer_set_death_callback(void (*callback)(void));
#else
#define __asan_poison_memory_region(from, size)     ((void)(from), (void)(size))
#define __asan_unpoison_memory_region(from, size)   ((void)(from), (void)(size))
#endif

unsigned long host_counts[HOST_COUNTS];

void *host_alloc(unsigned long size)
{
    void *object = malloc(size);

    if (object == NULL)
        abort();
    return object;
}

void host_free(void *object)
{
    free(object);
}

void *host_pages(unsigned long size)
{
    void *from = aligned_alloc(4096, size);

    if (from == NULL)
        abort();
    return from;
}

void host_forbid(void *from, unsigned long size)
{
    __asan_poison_memory_region(from, size);
}

void host_allow(void *from, unsigned long size)
{
    __asan_unpoison_memory_region(from, size);
}

void host_write(const char *text, unsigned long length, int always)
{
    static int verbose = -1;

    if (verbose < 0)
        verbose = getenv("HOSTED_VERBOSE") != NULL;
    if (verbose || always)
        fwrite(text, 1, length, stderr);
}

void host_abort(void)
{
    abort();
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#define FORMAT(value) \
    (stars == 0 ? snprintf(out, size, format, value) \
     : stars == 1 ? snprintf(out, size, format, star[0], value) \
     : snprintf(out, size, format, star[0], star[1], value))

int host_format(char *out, unsigned long size, const char *format, int stars, const int star[2],
                char kind, long value, const char *string)
{
    return kind == 's' ? FORMAT(string) : kind == 'l' ? FORMAT(value) : FORMAT((int)value);
}

/* The last line: what became of the inputs. At the end of each run, libFuzzer's too. */
static void tell_counts(void)
{
    printf("%s:", target_name);
    for (int i = 0; i < HOST_COUNTS && target_counts[i] != NULL; i++)
        printf("%s %lu %s", i > 0 ? "," : "", host_counts[i], target_counts[i]);
    printf("\n");
    fflush(stdout);
}

__attribute__((constructor)) static void prepare(void)
{
    atexit(tell_counts);
}

#ifndef WITH_LIBFUZZER
#define INPUT_MAX   65536
#define FILES_MAX   4096

static struct input { unsigned long size; const host_byte *bytes; } inputs[FILES_MAX], tried;
static int input_count;
static const char *prefix = "";
static long timeout = 10;
static unsigned long long state;

/* xorshift64*: the same numbers everywhere. */
static unsigned long number(unsigned long below)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (unsigned long)(state * 2685821657736338717ULL >> 33) % below;
}

unsigned long LLVMFuzzerMutate(host_byte *data, unsigned long size, unsigned long max)
{
    static const host_byte odd[] = { 0, 1, 0x7f, 0x80, 0xff, 4, 8, 0x10, ' ', '=', '%' };
    unsigned long n = 1 + number(4);

    while (n-- > 0) {
        unsigned long at = size > 0 ? number(size) : 0, length;

        switch (number(6)) {
        case 0:
            if (size > 0)
                data[at] ^= 1 << number(8);
            break;
        case 1:
            if (size > 0)
                data[at] = odd[number(sizeof(odd))];
            break;
        case 2:
            for (unsigned long i = 0; i < 4 && at + i < size; i++)
                data[at + i] = odd[number(sizeof(odd))];
            break;
        case 3:
            length = size > 0 ? 1 + number(size - at < 16 ? size - at : 16) : 0;
            memmove(data + at, data + at + length, size - at - length);
            size -= length;
            break;
        case 4:
            length = 1 + number(8);
            if (size + length <= max) {
                memmove(data + at + length, data + at, size - at);
                for (unsigned long i = 0; i < length; i++)
                    data[at + i] = number(256);
                size += length;
            }
            break;
        default:
            if (size > 0)
                data[at] = number(256);
        }
    }
    return size;
}

/* Keep the bytes of a file, or of all files of a folder, in the order of their names. */
static void take(const char *path)
{
    struct dirent **names;
    struct stat info;

    if (stat(path, &info) != 0) {
        fprintf(stderr, "%s: there is no %s\n", target_name, path);
        exit(2);
    }
    if (S_ISDIR(info.st_mode)) {
        int n = scandir(path, &names, NULL, alphasort);
        char inner[4096];

        for (int i = 0; i < n; free(names[i++])) {
            snprintf(inner, sizeof(inner), "%s/%s", path, names[i]->d_name);
            if (names[i]->d_name[0] != '.')
                take(inner);
        }
        free(names);
        return;
    }
    FILE *file = fopen(path, "rb");
    if (file == NULL || input_count == FILES_MAX || info.st_size > INPUT_MAX) {
        fprintf(stderr, "%s: %s cannot be taken\n", target_name, path);
        exit(2);
    }
    host_byte *bytes = host_alloc(info.st_size + 1);
    inputs[input_count++] = (struct input){ fread(bytes, 1, info.st_size, file), bytes };
    fclose(file);
}

/* The program ends: keep the input. Called by the sanitizer, and by a signal. */
static void keep_input(void)
{
    char path[4096];

    snprintf(path, sizeof(path), "%sfound", prefix);
    FILE *file = fopen(path, "wb");
    if (file != NULL) {
        fwrite(tried.bytes, 1, tried.size, file);
        fclose(file);
    }
    fprintf(stderr, "%s: the input is in %s\n", target_name, path);
}

static void on_signal(int number)
{
    if (number == SIGPROF)
        fprintf(stderr, "%s: an input takes more than %ld seconds\n", target_name, timeout);
    keep_input();
    _exit(3);
}

/* Try one input, of which a copy has exactly its size: so a look behind its end is seen. */
static void try(const host_byte *bytes, unsigned long size)
{
    const struct itimerval limit = { .it_value = { .tv_sec = timeout } };
    host_byte *copy = host_alloc(size);

    tried = (struct input){ size, bytes };
    memcpy(copy, bytes, size);
    setitimer(ITIMER_PROF, &limit, NULL);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

int main(int argc, char **argv)
{
    static host_byte buffer[INPUT_MAX];
    unsigned long runs = 0, seed = 1, most = 4096;

    signal(SIGABRT, on_signal);
    signal(SIGPROF, on_signal);
#ifdef WATCHED
    __sanitizer_set_death_callback(keep_input);
#endif
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "-runs=", 6) == 0)
            runs = strtoul(argv[i] + 6, NULL, 10);
        else if (strncmp(argv[i], "-seed=", 6) == 0)
            seed = strtoul(argv[i] + 6, NULL, 10);
        else if (strncmp(argv[i], "-max_len=", 9) == 0)
            most = strtoul(argv[i] + 9, NULL, 10);
        else if (strncmp(argv[i], "-timeout=", 9) == 0)
            timeout = strtol(argv[i] + 9, NULL, 10);
        else if (strncmp(argv[i], "-artifact_prefix=", 17) == 0)
            prefix = argv[i] + 17;
        else if (argv[i][0] != '-')
            take(argv[i]);
    }
    for (int i = 0; i < input_count; i++)
        try(inputs[i].bytes, inputs[i].size);
    for (unsigned long run = 0; run < runs; run++) {
        struct input none = { 0, (host_byte *)"" };
        const struct input *from = &none;

        state = (seed * 1000003 + run) * 0x9e3779b97f4a7c15ULL + 1;
        if (input_count > 0)
            from = &inputs[number(input_count)];
        unsigned long size = from->size < most ? from->size : most;
        memcpy(buffer, from->bytes, size);
        for (unsigned long n = 1 + number(3); n > 0; n--)
            size = LLVMFuzzerCustomMutator(buffer, size, most, number(1UL << 31));
        try(buffer, size);
    }
    for (int i = 0; i < input_count; i++)
        free((void *)inputs[i].bytes);
    return 0;
}
#endif
