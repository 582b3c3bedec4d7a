/* User programs: ELF files inside the kernel image. */
#pragma once

#include <defs.h>

struct mm_struct;

/* The table is made by tools/embed.py, in the order of the names. */
struct user_program {
    const char *name;
    const uint8_t *start, *end;
};
extern const struct user_program user_programs[];
extern const size_t user_program_count;

const struct user_program *program_find(const char *name);

/* Is it a program for this machine, all of whose parts lie where they may? None may be writable and
   executable: no page of a program ever is both, as data, heap, stack and mmap's areas cannot be
   executed and nothing can change an area's rights. 0 or -E_INVAL_ELF. */
int program_check(const struct user_program *program) __must_check;
/* Put a checked program into an empty mm: its segments, heap and stack. 0 or an error. */
int program_load(const struct user_program *program, struct mm_struct *mm) __must_check;
uintptr_t program_entry(const struct user_program *program);

/* Does [offset, offset + size) lie in the file? */
bool program_in_file(const struct user_program *program, uint64_t offset, uint64_t size);

/* Write "function+offset" for an address of the program, or the address where it has no name. */
void program_symbol(const struct user_program *program, uintptr_t addr, char *buf, size_t size);
