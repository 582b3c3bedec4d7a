/* Which words of memory more than one hart uses without a common lock: with CHECK=race alone.

   It is a guess by what was seen so far, which tells race.c what to watch, and no more than that:
   whether there is a race is seen by watching alone.

   All may be called in any context. What a hart asks for its own access is the answer for that one
   only. */
#pragma once

#include <defs.h>

/* The current task or hart is about to touch the word in which this address is. True if it is worth
   watching. */
bool word_is_shared(uintptr_t address, bool writes);
/* What is known of it was in vain: begin anew. */
void forget_word(uintptr_t address);
