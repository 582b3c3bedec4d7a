/* Truth values (C11 7.18): bool, true and false.

   A value that is converted to bool becomes 1 if it is not 0, also if its low bits are 0; a
   conversion to int would keep the bits instead. So flags & MASK may be returned as a bool as it
   stands. A bool takes a byte in memory, and every other value there than 0 and 1 is a mistake of
   the code that wrote it. This is one of the headers that the tree brings itself: see stdint.h. */
#pragma once

#define bool                _Bool
#define true                1
#define false               0
#define __bool_true_false_are_defined 1
