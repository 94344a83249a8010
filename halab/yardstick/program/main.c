/* Calls every unit with what the one before has given, and prints what the last one gives. */
#include <stdio.h>

#define FOUR(unit, tens, a, b, c, d) unit(tens##a) unit(tens##b) unit(tens##c) unit(tens##d)
#define SIXTEEN(unit, tens) FOUR(unit, tens, 0, 1, 2, 3) FOUR(unit, tens, 4, 5, 6, 7) \
                            FOUR(unit, tens, 8, 9, a, b) FOUR(unit, tens, c, d, e, f)
#define EACH(unit) SIXTEEN(unit, 1) SIXTEEN(unit, 2) SIXTEEN(unit, 3) SIXTEEN(unit, 4) \
                   SIXTEEN(unit, 5) SIXTEEN(unit, 6) SIXTEEN(unit, 7) SIXTEEN(unit, 8)

#define DECLARED(number) unsigned int unit_0x##number(unsigned int seed);
EACH(DECLARED)

int main(void)
{
    unsigned int sum = 1;

#define CALLED(number) sum = unit_0x##number(sum);
    EACH(CALLED)
    printf("%u\n", sum);
    return 0;
}
