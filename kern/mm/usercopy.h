/* Access to the memory of the current process. These are the only functions that touch it: they
   check the range, and a fault inside of them is repaired like one of the program itself, or ends
   in -E_FAULT. They may sleep, so no spinlock and no mm lock may be held. */
#pragma once

#include <defs.h>

/* Copy n bytes; 0, or -E_FAULT or -E_NO_MEM, where a part may have been copied. */
int copy_from_user(void *dst, uintptr_t usrc, size_t n) __must_check;
int copy_to_user(uintptr_t udst, const void *src, size_t n) __must_check;

/* Copy a string with its end, at most `size` bytes. Its length, one of these errors, or -E_TOO_BIG
   where the end does not come in time. */
int copy_string_from_user(char *dst, uintptr_t usrc, size_t size) __must_check;

/* Where to go on after a fault at epc that was not repaired; 0 if epc may not touch user memory. */
uintptr_t usercopy_fixup(uintptr_t epc);
