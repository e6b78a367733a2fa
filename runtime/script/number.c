#include "script/number.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

/* 10^k = (high * 2^64 + low) * 2^(floor(log2(10^k)) - 127), rounded up, for POWER_MIN <= k <=
 * POWER_MAX. */
enum { POWER_MIN = -292, POWER_MAX = 324, BIG_WORDS = 19, EXACT_DIGITS = 15 };

struct power {
    uint64_t high;
    uint64_t low;
};

static struct power powers[POWER_MAX - POWER_MIN + 1];
static locale_t c_locale;
static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static const double small_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* The first 128 bits of a little-endian big number, rounded up when anything is cut off. */
static struct power top_bits(const uint64_t words[BIG_WORDS], bool inexact)
{
    int top = BIG_WORDS - 1;
    while (words[top] == 0)
        top--;
    int shift = __builtin_clzll(words[top]);
    uint64_t part[3] = {0};
    for (int i = 0; i < 3; i++)
        part[i] = top - i >= 0 ? words[top - i] : 0;
    struct power p = {part[0], part[1]};
    uint64_t rest = part[2];
    if (shift) {
        p.high = part[0] << shift | part[1] >> (64 - shift);
        p.low = part[1] << shift | part[2] >> (64 - shift);
        rest = part[2] << shift;
    }
    for (int i = top - 3; i >= 0; i--)
        rest |= words[i];
    if (rest || inexact)
        p.high += ++p.low == 0;
    return p;
}

static void prepare(void)
{
    uint64_t up[BIG_WORDS] = {1};
    for (int k = 0; k <= POWER_MAX; k++) {
        powers[k - POWER_MIN] = top_bits(up, false);
        unsigned __int128 carry = 0;
        for (int i = 0; i < BIG_WORDS; i++) {
            carry += (unsigned __int128)up[i] * 10;
            up[i] = (uint64_t)carry;
            carry >>= 64;
        }
    }
    uint64_t down[BIG_WORDS] = {[BIG_WORDS - 1] = 1};
    for (int k = -1; k >= POWER_MIN; k--) {
        unsigned __int128 rest = 0;
        for (int i = BIG_WORDS - 1; i >= 0; i--) {
            rest = rest << 64 | down[i];
            down[i] = (uint64_t)(rest / 10);
            rest %= 10;
        }
        powers[k - POWER_MIN] = top_bits(down, true);
    }
    c_locale = newlocale(LC_ALL_MASK, "C", NULL);
    if (!c_locale)
        abort();
}

static int floor_log2_power10(int k)
{
    return (k * 1741647) >> 19;
}

/* The upper 64 bits of g * c / 2^64, the last bit set when anything was cut off. */
static uint64_t round_to_odd(struct power g, uint64_t c)
{
    unsigned __int128 low = (unsigned __int128)g.low * c;
    unsigned __int128 high = (unsigned __int128)g.high * c + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

static struct decimal without_trailing_zeros(uint64_t digits, int exponent)
{
    while (digits % 10 == 0) {
        digits /= 10;
        exponent++;
    }
    return (struct decimal){digits, exponent};
}

/* The shortest decimal that reads back as value, which is finite and above zero. */
static struct decimal shortest_decimal(double value)
{
    pthread_once(&prepared, prepare);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    int biased = (int)(bits >> 52 & 0x7FF);
    uint64_t c = biased ? fraction | (uint64_t)1 << 52 : fraction;
    int q = biased ? biased - 1075 : -1074;

    bool narrow_below = fraction == 0 && biased > 1;
    int k = (q * 1262611 - (narrow_below ? 524031 : 0)) >> 22;
    int h = q + floor_log2_power10(-k) + 1;
    struct power g = powers[-k - POWER_MIN];
    uint64_t below = round_to_odd(g, (4 * c - (narrow_below ? 1 : 2)) << h);
    uint64_t middle = round_to_odd(g, (4 * c) << h);
    uint64_t above = round_to_odd(g, (4 * c + 2) << h);
    uint64_t odd = c & 1;
    uint64_t lower = below + odd;
    uint64_t upper = above - odd;

    uint64_t s = middle / 4;
    if (s >= 10) {
        uint64_t tens = s / 10;
        bool down_fits = lower <= 40 * tens;
        bool up_fits = 40 * tens + 40 <= upper;
        if (down_fits != up_fits)
            return without_trailing_zeros(tens + up_fits, k + 1);
    }
    bool down_fits = lower <= 4 * s;
    bool up_fits = 4 * s + 4 <= upper;
    if (down_fits != up_fits)
        return without_trailing_zeros(s + up_fits, k);
    uint64_t half = 4 * s + 2;
    bool round_up = middle > half || (middle == half && (s & 1));
    return without_trailing_zeros(s + round_up, k);
}

/* What a literal says: up to 19 significant digits; `more` when there are further nonzero ones. */
struct literal {
    struct decimal value;
    int significant;
    bool negative;
    bool integer;
    bool more;
};

static int read_exponent(const char *p, const char *end)
{
    bool negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    int exponent = 0;
    for (; p < end; p++) {
        if (exponent < 100000)
            exponent = exponent * 10 + (*p - '0');
    }
    return negative ? -exponent : exponent;
}

static void take_digit(struct literal *l, int digit, bool fraction)
{
    if (l->significant < 19) {
        l->value.digits = l->value.digits * 10 + (uint64_t)digit;
        l->significant += l->value.digits != 0;
        l->value.exponent -= fraction;
    } else {
        l->more |= digit != 0;
        l->value.exponent += !fraction;
    }
}

static struct literal take_apart(struct span text)
{
    struct literal l = {.integer = true};
    const char *p = text.data;
    const char *end = p + text.size;
    if (*p == '-') {
        l.negative = true;
        p++;
    }
    bool fraction = false;
    for (; p < end && (*p | 0x20) != 'e'; p++) {
        if (*p == '.')
            fraction = true;
        else
            take_digit(&l, *p - '0', fraction);
    }
    l.integer = !fraction && p == end;
    if (p < end)
        l.value.exponent += read_exponent(p + 1, end);
    return l;
}

static int count_digits(uint64_t n)
{
    int count = 0;
    for (; n; n /= 10)
        count++;
    return count;
}

static double read_by_libc(struct span literal)
{
    pthread_once(&prepared, prepare);
    char local[64];
    char *copy = literal.size < sizeof local ? local : malloc(literal.size + 1);
    if (!copy)
        abort();
    memcpy(copy, literal.data, literal.size);
    copy[literal.size] = '\0';
    double value = strtod_l(copy, NULL, c_locale);
    if (copy != local)
        free(copy);
    return value;
}

static bool read_decimal(const struct literal *l, struct span text, double *out)
{
    struct decimal d = without_trailing_zeros(l->value.digits, l->value.exponent);
    int count = count_digits(d.digits);
    int magnitude = d.exponent + count;
    if (l->more || count > 17 || magnitude > 309 || magnitude < -330)
        return false;
    if (count <= EXACT_DIGITS && d.exponent >= -22 && d.exponent <= 22) {
        double whole = (double)d.digits;
        *out =
            d.exponent < 0 ? whole / small_powers[-d.exponent] : whole * small_powers[d.exponent];
        *out = l->negative ? -*out : *out;
        return true;
    }
    double value = read_by_libc(text);
    if (value == 0 || isinf(value))
        return false;
    struct decimal shortest = shortest_decimal(fabs(value));
    *out = value;
    return shortest.digits == d.digits && shortest.exponent == d.exponent;
}

bool number_read(struct span text, double *out)
{
    struct literal l = take_apart(text);
    if (l.value.digits == 0) {
        *out = l.negative ? -0.0 : 0.0;
        return true;
    }
    if (!l.integer)
        return read_decimal(&l, text, out);
    if (l.value.exponent != 0 || l.value.digits > NUMBER_EXACT)
        return false;
    *out = l.negative ? -(double)l.value.digits : (double)l.value.digits;
    return true;
}

bool number_decimal(struct span literal, struct decimal *out, bool *negative)
{
    struct literal l = take_apart(literal);
    *negative = l.negative;
    *out = (struct decimal){0};
    if (l.value.digits)
        *out = without_trailing_zeros(l.value.digits, l.value.exponent);
    return !l.more;
}

/* The digits of n, not ended by a NUL. */
static size_t put_digits(char *out, uint64_t n)
{
    char reversed[20];
    size_t count = 0;
    do {
        reversed[count++] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    for (size_t i = 0; i < count; i++)
        out[i] = reversed[count - 1 - i];
    return count;
}

static size_t put_exponential(char *out, const char *digits, size_t count, int exponent)
{
    char *p = out;
    *p++ = digits[0];
    if (count > 1) {
        *p++ = '.';
        memcpy(p, digits + 1, count - 1);
        p += count - 1;
    }
    *p++ = 'e';
    if (exponent < 0)
        *p++ = '-';
    p += put_digits(p, (uint64_t)abs(exponent));
    return (size_t)(p - out);
}

/* point: how many digits stand before the decimal point; from -5 to count - 1. */
static size_t put_plain(char *out, const char *digits, size_t count, int point)
{
    char *p = out;
    if (point <= 0) {
        *p++ = '0';
        *p++ = '.';
        memset(p, '0', (size_t)-point);
        p += -point;
        memcpy(p, digits, count);
        return (size_t)(p - out) + count;
    }
    memcpy(p, digits, (size_t)point);
    p[point] = '.';
    memcpy(p + point + 1, digits + point, count - (size_t)point);
    return count + 1;
}

size_t number_write(double value, char out[NUMBER_TEXT_MAX])
{
    size_t used = 0;
    if (signbit(value)) {
        out[used++] = '-';
        value = -value;
    }
    if (value <= (double)NUMBER_EXACT && value == (double)(uint64_t)value) {
        used += put_digits(out + used, (uint64_t)value);
    } else {
        struct decimal d = shortest_decimal(value);
        char digits[20];
        size_t count = put_digits(digits, d.digits);
        int point = (int)count + d.exponent;
        if (d.exponent < 0 && point > -6)
            used += put_plain(out + used, digits, count, point);
        else
            used += put_exponential(out + used, digits, count, point - 1);
    }
    out[used] = '\0';
    return used;
}
