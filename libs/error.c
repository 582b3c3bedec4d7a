/* Names of the error codes. */
#include <defs.h>
#include <error.h>

static const char *const names[MAXERROR + 1] = {
#define X(name, number) [number] = "E_" #name,
    ERROR_LIST(X)
#undef X
};

const char *error_name(int code)
{
    unsigned int number = code < 0 ? -(unsigned int)code : (unsigned int)code;

    return number <= MAXERROR && names[number] != NULL ? names[number] : "E_?";
}
