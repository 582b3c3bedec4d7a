/* Access to the memory of the current process. These are the only functions of the kernel that
   touch it; everything that a program passes as a pointer goes through them.

   They check the range, and a fault inside of them is repaired like one of the program itself, or
   ends in -E_FAULT. So no pointer of a program can harm the kernel, whatever it is. A fault may
   sleep and takes the lock of the mm: no spinlock and no mm's lock may be held, which is asserted.
   The program's other threads may change the bytes meanwhile: copy once, and check the copy. */
#pragma once

#include <defs.h>

/* Copy n bytes. 0; or -E_FAULT or -E_NO_MEM, and a part may have been copied. */
int copy_from_user(void *dst, uintptr_t usrc, size_t n) __must_check;
int copy_to_user(uintptr_t udst, const void *src, size_t n) __must_check;

/* Copy a string with its end, at most `size` bytes; or only measure it, if dst is NULL. Its length,
   one of these errors, or -E_TOO_BIG if the end does not come in time. */
int copy_string_from_user(char *dst, uintptr_t usrc, size_t size) __must_check;

/* Where to go on after a fault at epc that was not repaired; 0 if epc may not touch user memory. */
uintptr_t usercopy_fixup(uintptr_t epc);
