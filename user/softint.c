/* softint: instructions that are not for user programs.

   Privileged instructions kill the process. So does ebreak, even with a7 = 10: by that the kernel
   itself starts the first program, and it must not become a system call from user mode. */
#include <error.h>
#include <report.h>
#include <stdio.h>
#include <testing.h>
#include <ulib.h>

#define STILL_HERE      77

/* Do the privileged instruction with this number. */
static void privileged(uintptr_t number)
{
    switch (number) {
    case 0: asm volatile("csrr t0, sstatus" : : : "t0"); break;
    case 1: asm volatile("csrw satp, zero"); break;
    case 2: asm volatile("csrw sscratch, zero"); break;
    case 3: asm volatile("csrsi sie, 2"); break;
    case 4: asm volatile("sret"); break;
    case 5: asm volatile("sfence.vma"); break;
    case 6: asm volatile("csrr t0, mhartid" : : : "t0"); break;
    case 7: asm volatile("mret"); break;
    case 8: asm volatile(".4byte 0"); break;
    case 9: asm volatile(".4byte 0xFFFFFFFF"); break;
    }
}

#define PRIVILEGED      10

/* ebreak with registers as the kernel uses it, here for exit(0). It is 2 bytes long if `compressed`
   is true, else 4. */
static void break_call(uintptr_t compressed)
{
    register long a0 asm("a0") = SYS_exit;
    register long a1 asm("a1") = 0;
    register long a7 asm("a7") = 10;

    if (compressed)
        asm volatile(".option push\n.option rvc\nc.ebreak\n.option pop"
                     : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
    else
        asm volatile(".option push\n.option norvc\nebreak\n.option pop"
                     : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
    exit(STILL_HERE);
}

int main(void)
{
    for (int number = 0; number < PRIVILEGED; number++)
        expect_killed("privileged instruction", privileged, number);
    for (int compressed = 0; compressed < 2; compressed++) {
        int code = child_code(break_call, compressed);

        if (code != -E_KILLED && code != STILL_HERE)
            panic("ebreak in user mode worked as a system call, exit code %d", code);
    }
    cprintf("softint pass.\n");
    return check_done();
}
