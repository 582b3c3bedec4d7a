/* Names of the error codes, for messages and for %e of libs/printfmt.h. The table is made of
   ERROR_LIST in error.h, so there is no second list that could differ from it.

   The function only reads its table, so it may be called from anywhere, also from an interrupt or a
   panic. It takes any number: a wrong one has a name too, so that a message about a mistake never
   makes a second one. */
#include <defs.h>
#include <error.h>

static const char *const names[MAXERROR + 1] = {
#define X(name, number) [number] = "E_" #name,
    ERROR_LIST(X)
#undef X
};

/* Through an unsigned number, so that even the least int can be negated. */
const char *error_name(int code)
{
    unsigned int number = code < 0 ? -(unsigned int)code : (unsigned int)code;

    return number <= MAXERROR && names[number] != NULL ? names[number] : "E_?";
}
