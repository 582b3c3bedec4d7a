/* User programs: where they are found, and how an ELF file becomes the memory of a process.

   A program of the kernel's image, in the table user_programs, was checked when the kernel was
   built, and is mapped as it lies in memory: program_map(). Any other program is a file, and is
   loaded: exec.c calls program_check() and program_load(), in this order, on a new mm. They read
   through a struct reader. So

   - a read may fail, and it may sleep: none of this is called with a spinlock held;
   - what is read is copied to the caller's own memory first and then checked, because a file may
     be changed by others meanwhile: nothing is read twice and believed the second time unchecked;
   - each number in a file is one that somebody wrote to do harm: a range is checked against the
     file's size without a sum that could wrap around. */
#pragma once

#include <fs/image.h>

struct elfhdr;
struct proghdr;

#define READER_HEAD 384                 /* bytes: the file's header, and five of segments */

/* Something that can be read at any place, as a file can. */
struct reader {
    /* Copy `size` bytes, which begin `offset` bytes from the start, to `to`. They lie inside of the
       reader's size. 0 if all of them were copied, or an error. */
    int (*read)(const struct reader *file, uint64_t offset, void *to, size_t size);
    uint64_t size;                      /* in bytes */
    const void *source;                 /* where read() has it from: nobody else's business */
    const struct pager *pager;          /* its pages can be mapped as they are, by mm_map_pager()
                                           with source and offset; NULL: they cannot */
    /* Of an inode: its first bytes, read at once; most programs have all their headers there. */
    uint32_t head_size;
    uint8_t head[READER_HEAD] __attribute__((aligned(8)));
};

/* For a program of the image. The reader is good as long as the program is: for ever. */
struct reader program_reader(const struct user_program *program);
/* For a file that has been opened to run: good as long as the caller has it. 0 or an error. */
int inode_reader(struct inode *node, struct reader *file) __must_check;
/* Does [offset, offset + size) lie in the file? */
bool reader_has(const struct reader *file, uint64_t offset, uint64_t size);
/* Read it if it does; else -E_INVAL_ELF. */
int reader_read(const struct reader *file, uint64_t offset, void *to, size_t size) __must_check;

/* Read the header, and find out if it is a program for this machine all of whose segments lie where
   they may. None may be writable and executable: no page of a program ever is both, as data, heap,
   stack and mmap's areas cannot be executed and nothing can change an area's rights. The program
   begins with an instruction of one of them: else exec would end the old one for nothing. 0 with
   the header in *elf, -E_INVAL_ELF, or the reader's error. */
int program_check(const struct reader *file, struct elfhdr *elf) __must_check;
/* Put a program whose header has been checked into an empty mm that nobody else knows: its
   segments, heap and stack. 0; -E_NO_MEM, -E_INVAL_ELF, -E_KILLED or the reader's error, and then a
   part of it may be in the mm, which is to be put. */
int program_load(const struct reader *file, const struct elfhdr *elf, struct mm_struct *mm)
    __must_check;

/* The same for a program of the image, of which nothing is read before it is touched: 0 or
   -E_NO_MEM. And the address at which it begins. */
int program_map(const struct user_program *program, struct mm_struct *mm) __must_check;
uintptr_t program_entry(const struct user_program *program);

/* What both use. The rights of a segment as those of an area, VM_; the heap begins, empty, at `end`
   or behind it, which is where a segment ends; a stack. The last may give -E_NO_MEM, and
   -E_INVAL. */
uint32_t segment_flags(const struct proghdr *ph);
void program_end(struct mm_struct *mm, uintptr_t end);
int program_stack(struct mm_struct *mm) __must_check;

/* Write "function+offset" for an address of the program, or the address if it has no name there or
   `program` is NULL. For messages; may sleep. */
void program_symbol(const struct user_program *program, uintptr_t addr, char *buf, size_t size);
/* The same for an address of the current process, whatever file its program is. */
void current_symbol(uintptr_t addr, char *buf, size_t size);
