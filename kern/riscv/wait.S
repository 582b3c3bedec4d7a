/* Waiting for an interrupt: wfi, at a place where QEMU counts it as one instruction.

   With -icount, which the grader and make replay use, QEMU adds the instructions of a translated
   block to its count when it enters the block. If it leaves the block early it takes back those
   that were not run, but not after wfi (7.2 to 11.1: helper_wfi() calls cpu_loop_exit(), which
   restores nothing). So there a wfi counts as many as itself and what is behind it in its block.

   How many these are depends on gdb. In a page with a breakpoint QEMU makes blocks of one
   instruction; a step, or a stop that replay_break asks for, cuts a block too. A replay in which
   wfi counts less than in the recording comes to it too early by the difference. It sleeps then
   until an event of the log that is due only after some more instructions: for ever.

   No block goes on into another page. So tools/kernel.ld puts this section where its first
   instruction is the last one of a page. */
.section .text_page_end, "ax"

# void wait_for_interrupt(void)
#
# From anywhere in the kernel, interrupts on or off. It changes no register.
.globl wait_for_interrupt
.type wait_for_interrupt, @function
.balign 4
wait_for_interrupt:
    wfi
    ret
