/* Ends without success. */

int main(void)
{
    return 1;
}
