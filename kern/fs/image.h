/* The programs that lie in the kernel's image, and the file system that shows them: read-only, with
   nothing but /bin. It is the root where there is no disk, and the place where exec looks last.

   It needs no memory but for the inodes of programs that somebody has. Nobody can write to it, and
   no disk is asked, so nothing else in it can fail.

   Nothing here takes a lock. */
#pragma once

#include <fs/inode.h>

/* A program of the image. The table is made by tools/embed.py, in the order of the names. */
struct user_program {
    const char *name;
    const uint8_t *start, *end;
};
extern const struct user_program user_programs[];
extern const size_t user_program_count;

/* The program of this name, or NULL. From anywhere. */
const struct user_program *program_find(const char *name);

extern struct filesystem image_fs;
/* Its directories, which are always there. */
extern struct inode image_root, image_bin;
/* The program that an inode of any file system is, or NULL. From anywhere. */
const struct user_program *image_program(const struct inode *node);
/* The page that begins at an address of a program's, with a reference more. It is shared by all who
   map it, and stays as it is for ever. From anywhere. */
struct Page *constant_page(const uint8_t *at) __must_check;
