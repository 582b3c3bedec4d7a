/* For assembly: what stands in a handout where a part of an exercise is to be written. As in C, see
   debug/panic.h; sp must be a stack. */
#pragma once

#define not_written(exercise, part) \
    .pushsection .rodata; \
771: .asciz __FILE__; \
772: .asciz exercise; \
773: .asciz part; \
    .popsection; \
    la a0, 771b; \
    li a1, __LINE__; \
    la a2, 772b; \
    la a3, 773b; \
    call not_written_at
