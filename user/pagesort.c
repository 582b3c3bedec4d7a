/* pagesort MIB PARTS: sorts more data than there is memory, and checks every byte of it.

   The data is records of 64 bytes: a key, which is by chance, and words that follow from it. So a
   page that came back from the disk as another one, or as an older one, is found by its content,
   and one that is lost by the sum of all keys. Several parts are sorted by a child each, all at
   once: each child has its part copy-on-write from the parent, most of it out of memory, and writes
   to all of it. A parent whose children have ended has its own data still, as it was. */
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define WORDS           8               /* in a record, of 64 bits */
#define PER_MIB         ((1 << 20) / (WORDS * 8))
#define SMALL           16              /* so many records are sorted by insertion */
#define STACK           64              /* open ranges of quicksort: the smaller half goes first */

struct record {
    uint64_t key, words[WORDS - 1];
};

static uint64_t word_of(uint64_t key, int i)
{
    return (key + i) * 0x9e3779b97f4a7c15UL;
}

static struct record record_of(uint64_t number)
{
    struct record r = {
        .key = (number * 0x5851f42d4c957f2dUL + 0x14057b7ef767814fUL) ^ number >> 7
    };

    for (int i = 0; i < WORDS - 1; i++)
        r.words[i] = word_of(r.key, i);
    return r;
}

static void check_record(const struct record *r, const char *when)
{
    for (int i = 0; i < WORDS - 1; i++)
        if (r->words[i] != word_of(r->key, i))
            panic("%s: word %d of the record at %p is not what its key says", when, i, r);
}

static void insertion_sort(struct record *first, struct record *end)
{
    for (struct record *next = first + 1; next < end; next++) {
        struct record r = *next, *to = next;

        for (; to > first && (to - 1)->key > r.key; to--)
            *to = *(to - 1);
        *to = r;
    }
}

/* Everything below the result has a key of at most the pivot's, everything from it on of at least
   that; neither side is empty. */
static struct record *partition(struct record *first, struct record *end)
{
    uint64_t pivot = first[(end - first) / 2].key;
    struct record *low = first, *high = end - 1;

    for (;;) {
        while (low->key < pivot)
            low++;
        while (high->key > pivot)
            high--;
        if (low >= high)
            return low > first ? low : first + 1;
        struct record r = *low;
        *low++ = *high;
        *high-- = r;
    }
}

/* Quicksort without recursion. */
static void sort(struct record *first, struct record *end)
{
    struct record *stack[STACK][2];
    int open = 0;

    stack[open][0] = first;
    stack[open++][1] = end;
    while (open > 0) {
        first = stack[--open][0];
        end = stack[open][1];
        while (end - first > SMALL) {
            struct record *middle = partition(first, end);
            bool left_is_large = middle - first > end - middle;

            assert(open < STACK);
            stack[open][0] = left_is_large ? first : middle;
            stack[open++][1] = left_is_large ? middle : end;
            if (left_is_large)
                first = middle;
            else
                end = middle;
        }
        insertion_sort(first, end);
    }
}

static void sort_part(struct record *first, struct record *end)
{
    uint64_t sum = 0;

    for (struct record *r = first; r < end; r++) {
        check_record(r, "before");
        sum += r->key;
    }
    sort(first, end);
    for (struct record *r = first; r < end; r++) {
        check_record(r, "afterwards");
        sum -= r->key;
        if (r > first && (r - 1)->key > r->key)
            panic("the record at %p comes before a smaller one", r - 1);
    }
    if (sum != 0)
        panic("some keys were lost");
}

/* A child for each part. */
static void sort_parts(struct record *records, size_t count, int parts)
{
    int code;

    for (int i = 0; i < parts; i++)
        if (fork() == 0) {
            sort_part(records + count * i / parts, records + count * (i + 1) / parts);
            exit(0);
        }
    for (int i = 0; i < parts; i++) {
        assert(waitpid(0, &code) == 0);
        check_eq("a child sorts its part", code, 0);
    }
    for (size_t i = 0; i < count; i++) {
        check_record(&records[i], "in the parent");
        if (records[i].key != record_of(i).key)
            panic("record %lu of the parent has changed", i);
    }
}

int main(int argc, char **argv)
{
    int mib = number_argument(argc, argv, 1, 1), parts = number_argument(argc, argv, 2, 1);
    size_t count = (size_t)mib * PER_MIB;
    uintptr_t area = 0;

    assert(mmap(&area, count * sizeof(struct record), MMAP_WRITE) == 0);
    struct record *records = (struct record *)area;
    for (size_t i = 0; i < count; i++)
        records[i] = record_of(i);
    if (parts > 1)
        sort_parts(records, count, parts);
    else
        sort_part(records, records + count);
    check("what was sorted is whole", true);
    return check_done();
}
