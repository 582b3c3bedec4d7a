/* false: ends without success, with the exit code 1.

   The machine's exit status then says the same, so scripts and tests can see that a failure
   arrives. */

int main(void)
{
    return 1;
}
