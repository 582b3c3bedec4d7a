/* Ends with success: the smallest program. */

int main(void)
{
    return 0;
}
