/* Variable arguments (C11 7.16), by what the compiler has built in.

   A function with `...` after its last named argument walks the others: va_start, then va_arg once
   for each with the type that it has, then va_end. Nothing tells how many there are or of which
   types; printf's format does. A type smaller than int arrives as an int, and a wrong type in
   va_arg reads something else than was passed. A list that was walked is used up: va_copy makes a
   second one before. This is one of the headers that the tree brings itself: see stdint.h. */
#pragma once

typedef __builtin_va_list   va_list;

#define va_start(list, last) __builtin_va_start(list, last)
#define va_arg(list, type)  __builtin_va_arg(list, type)
#define va_copy(to, from)   __builtin_va_copy(to, from)
#define va_end(list)        __builtin_va_end(list)
