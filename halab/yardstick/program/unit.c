/*
 * One of the program's units, compiled UNITS times, each time for another UNIT. What it computes is
 * known to the program's user: whatever compiles it wrong, or runs it wrong, gives another sum.
 */
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)

struct pair {
    unsigned int key;
    unsigned int value;
};

static unsigned int random_state;

/* x(n+1) = 1664525 x(n) + 1013904223 mod 2^32 */
static unsigned int next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state;
}

/* FNV-1a, 32 bits */
static unsigned int hashed(const unsigned char *bytes, unsigned int length)
{
    unsigned int hash = 2166136261u;
    unsigned int place;

    for (place = 0; place < length; place++) {
        hash ^= bytes[place];
        hash *= 16777619u;
    }
    return hash;
}

/* CRC-32, reflected, bit by bit */
static unsigned int crc32(const unsigned char *bytes, unsigned int length)
{
    unsigned int crc = 0xffffffffu;
    unsigned int place;
    int bit;

    for (place = 0; place < length; place++) {
        crc ^= bytes[place];
        for (bit = 0; bit < 8; bit++)
            crc = crc & 1 ? (crc >> 1) ^ 0xedb88320u : crc >> 1;
    }
    return crc ^ 0xffffffffu;
}

static unsigned int primes_below(unsigned int limit)
{
    static unsigned char composite[4096];
    unsigned int number, multiple, count = 0;

    for (number = 0; number < limit; number++)
        composite[number] = 0;
    for (number = 2; number < limit; number++) {
        if (composite[number])
            continue;
        count++;
        for (multiple = number + number; multiple < limit; multiple += number)
            composite[multiple] = 1;
    }
    return count;
}

/* Heap sort, by key and then by value */
static int before(const struct pair *one, const struct pair *other)
{
    if (one->key != other->key)
        return one->key < other->key;
    return one->value < other->value;
}

static void sift(struct pair *heap, unsigned int root, unsigned int size)
{
    struct pair moved = heap[root];
    unsigned int child;

    while ((child = 2 * root + 1) < size) {
        if (child + 1 < size && before(&heap[child], &heap[child + 1]))
            child++;
        if (!before(&moved, &heap[child]))
            break;
        heap[root] = heap[child];
        root = child;
    }
    heap[root] = moved;
}

static void sort(struct pair *pairs, unsigned int size)
{
    unsigned int place;
    struct pair last;

    for (place = size / 2; place-- > 0;)
        sift(pairs, place, size);
    for (place = size; place-- > 1;) {
        last = pairs[place];
        pairs[place] = pairs[0];
        pairs[0] = last;
        sift(pairs, 0, place);
    }
}

/* Square matrices modulo a prime: the power of one, by squaring */
#define SIDE 8
#define MODULUS 65521u

static void multiplied(unsigned int into[SIDE][SIDE], unsigned int a[SIDE][SIDE],
                       unsigned int b[SIDE][SIDE])
{
    unsigned int sum[SIDE][SIDE];
    int row, column, k;

    for (row = 0; row < SIDE; row++)
        for (column = 0; column < SIDE; column++) {
            sum[row][column] = 0;
            for (k = 0; k < SIDE; k++)
                sum[row][column] = (sum[row][column] + a[row][k] * b[k][column]) % MODULUS;
        }
    for (row = 0; row < SIDE; row++)
        for (column = 0; column < SIDE; column++)
            into[row][column] = sum[row][column];
}

static unsigned int power(unsigned int exponent)
{
    unsigned int base[SIDE][SIDE], result[SIDE][SIDE];
    unsigned int trace = 0;
    int row, column;

    for (row = 0; row < SIDE; row++)
        for (column = 0; column < SIDE; column++) {
            base[row][column] = next_random() % MODULUS;
            result[row][column] = row == column;
        }
    for (; exponent; exponent >>= 1) {
        if (exponent & 1)
            multiplied(result, result, base);
        multiplied(base, base, base);
    }
    for (row = 0; row < SIDE; row++)
        trace = (trace + result[row][row]) % MODULUS;
    return trace;
}

/* 1/7 + 1/8 + ... in doubles, of which each step has one value by IEEE 754 */
static unsigned int harmonic(unsigned int terms)
{
    double sum = 0;
    unsigned int term;

    for (term = 0; term < terms; term++)
        sum += 1.0 / (double)(7 + term);
    return (unsigned int)(sum * 1000000.0);
}

unsigned int CAT(unit_, UNIT)(unsigned int seed)
{
    static unsigned char text[1024];
    static struct pair pairs[512];
    unsigned int place, sum;

    random_state = seed + UNIT;
    for (place = 0; place < sizeof text; place++)
        text[place] = (unsigned char)(next_random() >> 24);
    sum = hashed(text, sizeof text) ^ crc32(text, sizeof text);
    sum += primes_below(4096);
    for (place = 0; place < 512; place++) {
        pairs[place].key = next_random() >> 28;
        pairs[place].value = next_random();
    }
    sort(pairs, 512);
    for (place = 0; place < 512; place++)
        sum = sum * 31u + pairs[place].value;
    sum += power(1000003u + UNIT);
    return sum + harmonic(1000);
}
