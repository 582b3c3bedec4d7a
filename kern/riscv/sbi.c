/* SBI calls: ecall in supervisor mode. a7 is the number of the extension and a6 that of the
   function in it; a0 to a5 are the arguments. The firmware changes a0, the error, and a1, a value,
   and keeps all other registers (RISC-V SBI specification 1.0.0, chapter 3). The legacy calls have
   no functions, and their results are not looked at. Which calls are made here every firmware has
   that the kernel meets: OpenSBI has had them since 0.9. */
#include <riscv/sbi.h>

#define EXT_TIME            0x54494D45
#define EXT_IPI             0x735049
#define EXT_RFENCE          0x52464E43
#define EXT_HSM             0x48534D

#define RFENCE_FENCE_I      0
#define RFENCE_SFENCE_VMA   1

#define RESET_SHUTDOWN      0
#define REASON_NONE         0
#define REASON_FAILURE      1           /* "system failure" */

/* Make a call with up to four arguments; others are 0. Returns its error. */
static long sbi_call(long ext, long func, uint64_t arg0, uint64_t arg1, uint64_t arg2,
                     uint64_t arg3)
{
    register uint64_t a0 asm("a0") = arg0;
    register uint64_t a1 asm("a1") = arg1;
    register uint64_t a2 asm("a2") = arg2;
    register uint64_t a3 asm("a3") = arg3;
    register long a6 asm("a6") = func;
    register long a7 asm("a7") = ext;

    asm volatile ("ecall" : "+r" (a0), "+r" (a1) : "r" (a2), "r" (a3), "r" (a6), "r" (a7)
                  : "memory");
    return a0;
}

/* Legacy extension "console putchar" (5.2). It has an old way to return errors, in a0 alone;
   nothing could be done about one. */
void sbi_putchar(int c)
{
    sbi_call(SBI_LEGACY_PUTCHAR, 0, c, 0, 0, 0);
}

/* Extension TIME (chapter 6). The timer's pending bit in sip is read-only for supervisor mode, so
   this call is how the kernel clears it. */
void sbi_set_timer(uint64_t deadline)
{
    sbi_call(EXT_TIME, 0, deadline, 0, 0, 0);
}

/* Extension IPI (chapter 7). The second argument, the base of the mask, is 0: bit n is hart n. So
   only harts 0 to 63 can be named, and machine/fdt.c leaves out all others. */
void sbi_send_ipi(uint64_t hart_mask)
{
    sbi_call(EXT_IPI, 0, hart_mask, 0, 0, 0);
}

/* Extension RFENCE (chapter 8), with the mask as above. A range that is large is flushed whole: the
   firmware decides from which size on. */
void sbi_remote_sfence(uint64_t hart_mask, uintptr_t start, size_t size)
{
    sbi_call(EXT_RFENCE, RFENCE_SFENCE_VMA, hart_mask, 0, start, size);
}

/* The same extension. */
void sbi_remote_fence_i(uint64_t hart_mask)
{
    sbi_call(EXT_RFENCE, RFENCE_FENCE_I, hart_mask, 0, 0, 0);
}

/* Extension HSM (chapter 9). The call returns as soon as the firmware has taken the order: that the
   hart runs, it must tell itself. */
int sbi_hart_start(uint64_t hartid, paddr_t entry, uint64_t arg)
{
    return sbi_call(EXT_HSM, 0, hartid, entry, arg, 0);
}

/* Extension SRST (chapter 10). Only the type "shutdown" is used here; a reason that is not "none"
   is for the firmware's own log, and does not reach QEMU's exit status. */
void sbi_shutdown(bool failure)
{
    sbi_call(SBI_SRST, 0, RESET_SHUTDOWN, failure ? REASON_FAILURE : REASON_NONE, 0, 0);
}
