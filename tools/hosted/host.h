/* What the host side (host.c, with the C library) and the kernel side (all other files here,
   without it) offer each other. Only types that both know alike.

   The kernel side is a target: LLVMFuzzerTestOneInput() takes any bytes as a device
   tree, a program, a disk, and returns: without a panic, a complaint of the sanitizers, a loss of
   memory. */
#pragma once

typedef unsigned char host_byte;

/* The target, by libFuzzer's names. The second one changes an input in place by the rules of its
   form, and returns its new size. */
int LLVMFuzzerTestOneInput(const host_byte *data, unsigned long size);
unsigned long LLVMFuzzerCustomMutator(host_byte *data, unsigned long size, unsigned long max,
                                      unsigned int seed);
/* libFuzzer's own mutation, or host.c's: some bytes are changed, added or taken away. */
unsigned long LLVMFuzzerMutate(host_byte *data, unsigned long size, unsigned long max);

/* Memory of the C library: the sanitizer watches each object. Ends the program if there is none. */
void *host_alloc(unsigned long size);
void host_free(void *object);
/* Pages, of which the sanitizer is told when they may be touched. */
void *host_pages(unsigned long size);
void host_forbid(void *from, unsigned long size);
void host_allow(void *from, unsigned long size);
/* Write to the standard error, if the environment has HOSTED_VERBOSE, or `always`. */
void host_write(const char *text, unsigned long length, int always);
/* A fault was found: end the program so that libFuzzer and host.c keep the input. */
void host_abort(void) __attribute__((noreturn));

/* What C's own snprintf makes of one conversion: the format has `stars` of width and precision, and
   one argument, which is an int, a long or a string by `kind`, one of "ils". */
int host_format(char *out, unsigned long size, const char *format, int stars, const int star[2],
                char kind, long value, const char *string);

/* How runs ended, for the last line of a run: number k is counted in host_counts[k], and named by
   the target. */
#define HOST_COUNTS 8
extern unsigned long host_counts[HOST_COUNTS];
extern const char *const target_name, *const target_counts[HOST_COUNTS + 1];
