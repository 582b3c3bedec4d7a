/* true: ends with success.

   It is the smallest program there is, so bench.c uses it to measure exec. */

int main(void)
{
    return 0;
}
