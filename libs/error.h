/* Error codes. System calls and functions of the kernel return 0 or a positive result, or one of
   these numbers negated: -E_INVAL.

   One list makes the numbers and the names, so error_name(-E_INVAL) is "E_INVAL". The numbers are
   ucore's, and programs written for it know them: they never change. A new one goes to the end of
   the list, and MAXERROR with it. */
#pragma once

/* X(name, number) for each of them. */
#define ERROR_LIST(X) \
    X(UNSPECIFIED,  1)  /* something else went wrong */ \
    X(BAD_PROC,     2)  /* no such process, or not one of the caller's */ \
    X(INVAL,        3)  /* invalid argument */ \
    X(NO_MEM,       4)  /* out of memory */ \
    X(NO_FREE_PROC, 5)  /* no more processes can be made */ \
    X(FAULT,        6)  /* bad address */ \
    X(SWAP_FAULT,   7)  /* swap could not be read or written */ \
    X(INVAL_ELF,    8)  /* not a program for this machine */ \
    X(KILLED,       9)  /* the process was killed */ \
    X(PANIC,       10)  /* the program called panic() */ \
    X(TIMEOUT,     11)  /* the time is over */ \
    X(TOO_BIG,     12)  /* argument list or file too big */ \
    X(NO_DEV,      13)  /* no such device */ \
    X(NA_DEV,      14)  /* device not available */ \
    X(BUSY,        15)  /* in use */ \
    X(NOENT,       16)  /* no such file or program */ \
    X(ISDIR,       17)  /* is a directory */ \
    X(NOTDIR,      18)  /* is not a directory */ \
    X(XDEV,        19)  /* link across devices */ \
    X(UNIMP,       20)  /* no such system call */ \
    X(SEEK,        21)  /* cannot seek there */ \
    X(MAX_OPEN,    22)  /* too many open files */ \
    X(EXISTS,      23)  /* exists already */ \
    X(NOTEMPTY,    24)  /* directory is not empty */ \
    X(DEADLOCK,    25)  /* to wait would never end, or never let all end */ \
    X(IO,          26)  /* the disk gave an error, or no answer */ \
    X(PIPE,        27)  /* nobody will read this pipe */ \
    X(ROFS,        28)  /* the file system is read-only */ \
    X(NO_SPACE,    29)  /* no free block or inode on the disk */

enum {
#define X(name, number) E_##name = number,
    ERROR_LIST(X)
#undef X
    MAXERROR = 29
};

/* The name of an error code, given with either sign; "E_?" if there is no such code. Never NULL,
   and not to be freed. */
const char *error_name(int code);
