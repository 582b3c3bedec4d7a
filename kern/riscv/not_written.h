/* not_written() for assembly: what stands in a handout in place of a part of an exercise that is to
   be written there. It does the same as the macro of that name in debug/panic.h: the kernel panics,
   and says which part of which exercise is missing, in which file and line.

   It calls C code, so sp must be the end of a stack; a0 to a3 and what else a call may change is
   lost. The strings go to .rodata, with a local label of a number that nothing else uses. */
#pragma once

#define not_written(exercise, part) \
    .pushsection .rodata; \
771: .asciz __FILE__; \
772: .asciz exercise; \
773: .asciz part; \
    .popsection; \
    .pushsection .blanks, "a"; \
    .balign 8; \
    .dword 772b; \
    .popsection; \
    la a0, 771b; \
    li a1, __LINE__; \
    la a2, 772b; \
    la a3, 773b; \
    call not_written_at
