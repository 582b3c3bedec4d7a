/* What runs before and after main(): _start of start.S calls umain(), and a program's exit code is
   what main() returns.

   Nothing has to be prepared: the kernel has filled .bss with zeros, and there are no constructors.
   argc and argv come from the kernel and are given on as they are. It is a file of its own so that
   a program without main() may define umain() itself. */
#include <ulib.h>

int main(int argc, char **argv);
__never_returns void umain(int argc, char **argv);

void umain(int argc, char **argv)
{
    exit(main(argc, argv));
}
