/* loaded: a program that fromfile runs from the disk, by /bin/loaded and with two words. Its exit
   code is the number of the first thing that is not as a program must find it, or 0.

   It prints nothing, and needs no test of its own: for reports of programs of the disk do not
   count. */
#include <stdlib.h>
#include <string.h>
#include <ulib.h>

/* A page of it lies whole in the file, and a part of one. */
static int numbers[1500] = { [0] = 7, [1024] = 8, [1499] = 9 };
static int zeros[5000];

/* The calling convention wants sp, which is where argv stands, to be a multiple of 16. */
int main(int argc, char **argv)
{
    int sum = 0;

    if (argc != 3 || strcmp(argv[0], "/bin/loaded") != 0 || strcmp(argv[1], "a") != 0
        || strcmp(argv[2], "two words") != 0)
        return 1;
    if (argv[argc] != NULL)
        return 2;
    if ((uintptr_t)argv % 16 != 0)
        return 3;
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        sum += numbers[i];
    if (sum != 24 || numbers[1024] != 8)
        return 4;
    for (size_t i = 0; i < ARRAY_SIZE(zeros); i++)
        if (zeros[i]++ != 0)
            return 5;
    numbers[0] = numbers[1024] = 1;     /* a copy: nobody else sees it, the file least of all */
    char *heap = malloc(20000);
    if (heap == NULL)
        return 6;
    memset(heap, 1, 20000);
    return 0;
}
