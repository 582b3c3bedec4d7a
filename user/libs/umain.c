/* What runs before and after main(): a program's exit code is what main() returns. */
#include <ulib.h>

int main(int argc, char **argv);
__never_returns void umain(int argc, char **argv);

void umain(int argc, char **argv)
{
    exit(main(argc, argv));
}
