/* Checks around the copying loops of usercopy_asm.S.

   A page of a program has the U bit, and supervisor mode may touch it only while sstatus.SUM is set
   (Privileged spec 20211203, 4.1.1.2 and 4.3.1). The loops set it for as long as they run, so any
   other access to a program's memory, by a mistake of the kernel, is a fault and a panic.

   A fault in a loop comes to trap.c like each other one, which repairs it by mm_fault(). If that
   fails, usercopy_fixup() finds the loop in a table of three addresses, and the trap goes on at the
   loop's end with the error in t5. The table, .extable, is made beside the loops; so a fault of
   the kernel anywhere else is never taken for a user's. */
#include <debug/panic.h>
#include <error.h>
#include <mm/usercopy.h>
#include <riscv/cpu.h>
#include <riscv/memlayout.h>
#include <sync/mutex.h>

/* Return 0, or the error of a fault that could not be repaired. */
int usercopy_bytes(void *dst, const void *src, size_t n);
int usercopy_words(void *dst, const void *src, size_t n);       /* n: a multiple of 8 */
/* Returns the length, n if the string is longer, or such an error. */
long usercopy_string(char *dst, const char *src, size_t n);
long usercopy_length(char *dst, const char *src, size_t n);     /* and copies nothing */

/* The loops, and the place at which each goes on after a fault. In the section .extable. */
struct fault_range {
    uintptr_t start, end, fixup;
};
extern const struct fault_range extable_start[], extable_end[];

/* A page fault in one of the loops takes the lock of the mm, which may sleep: with a spinlock held
   that is never allowed, and with the lock of an mm, one that ranks behind it, or in a transaction,
   it would wait for this very task, or for one that waits for it. But only if there is a fault: so
   each copy asserts it. */
static inline void assert_may_fault(void)
{
    assert(holds_no_lock());
    assert(mutex_allows_fault());
}

/* Copy by words if both addresses are aligned, and the rest by bytes. An access that is not aligned
   would be right, but may trap to the firmware. 0 or the error of a fault. */
static int copy_user(void *dst, const void *src, size_t n)
{
    size_t words = ((uintptr_t)dst | (uintptr_t)src) % 8 == 0 ? n & ~7UL : 0;
    int error = 0;

    assert_may_fault();
    if (words > 0)
        error = usercopy_words(dst, src, words);
    if (error == 0 && n > words)
        error = usercopy_bytes((char *)dst + words, (const char *)src + words, n - words);
    return error;
}

/* Nothing is read for 0 bytes, so their address may be anything. A range that wraps around has its
   end below its start, which user_range_ok() refuses. */
int copy_from_user(void *dst, uintptr_t usrc, size_t n)
{
    if (n == 0)
        return 0;
    if (!user_range_ok(usrc, usrc + n))
        return -E_FAULT;
    return copy_user(dst, (const void *)usrc, n);
}

int copy_to_user(uintptr_t udst, const void *src, size_t n)
{
    if (n == 0)
        return 0;
    if (!user_range_ok(udst, udst + n))
        return -E_FAULT;
    return copy_user((void *)udst, src, n);
}

/* The string may end at the very end of user memory: only then is its end looked for no further
   than there, and a string that reaches the kernel's half is a bad pointer and not too long. */
int copy_string_from_user(char *dst, uintptr_t usrc, size_t size)
{
    assert_may_fault();
    assert(size > 0);
    if (usrc < USERBASE || usrc >= USERTOP)
        return -E_FAULT;
    size_t limit = USERTOP - usrc < size ? USERTOP - usrc : size;
    long length = (dst ? usercopy_string : usercopy_length)(dst, (const char *)usrc, limit);

    if (length == (long)limit)
        return limit < size ? -E_FAULT : -E_TOO_BIG;
    return length;
}

/* A few loops: a search in order is short. */
uintptr_t usercopy_fixup(uintptr_t epc)
{
    for (const struct fault_range *r = extable_start; r < extable_end; r++)
        if (r->start <= epc && epc < r->end)
            return r->fixup;
    return 0;
}
