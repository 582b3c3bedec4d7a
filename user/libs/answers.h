/* A student's answers in lab 0, as functions.

   Exercises 0.4 and 0.5 ask for them.

   They are apart from the programs that judge them, riddles and vault: so what is written here
   sees only numbers, neither the table of riddles.S nor the keys. Each may be called in any order
   and as often as one likes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* C functions that do the same as the three of riddles.S. The pointer of the second one is the
   register a0 as a number: convert it to a pointer to what that function loads. */
uint64_t like_one(uint64_t x);
uint64_t like_two(uintptr_t p, size_t n);
uint64_t like_three(uint64_t x, uint64_t y);

/* What was seen in gdb of the program vault: the key of its seventh door, and the number of the
   door at which the balance is below zero for the first time. */
uint64_t seventh_key(void);
int first_debt(void);
