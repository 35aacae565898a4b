/*
 * Names made from time and chance.
 *
 * A UUIDv7 here is 48 bits of milliseconds, a counter of 42 bits (12 before
 * the variant, 30 behind it) and 32 bits of chance. The counter starts each
 * millisecond at a random value of 41 bits and grows by one (RFC 9562, 6.2,
 * method 1), so ids made later in this process always sort later, also when
 * the wall clock is set back.
 */
#include <chatelaine/base_clock.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#define COUNTER_BITS 42
#define COUNTER_END (UINT64_C(1) << COUNTER_BITS)

static struct {
        pthread_mutex_t lock; /* guards all below */
        uint64_t last_ms, counter;
        unsigned char pool[256]; /* chance, fetched in one system call for many ids */
        size_t pool_left;
} uuid = {.lock = PTHREAD_MUTEX_INITIALIZER};

void random_bytes(void *out, size_t n)
{
        unsigned char *p = out;
        while (n) {
                ssize_t got = getrandom(p, n, 0);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got <= 0)
                        abort();
                p += got;
                n -= (size_t)got;
        }
}

static uint64_t pool_u64(void)
{
        uint64_t n;
        if (uuid.pool_left < sizeof n) {
                random_bytes(uuid.pool, sizeof uuid.pool);
                uuid.pool_left = sizeof uuid.pool;
        }
        uuid.pool_left -= sizeof n;
        memcpy(&n, uuid.pool + uuid.pool_left, sizeof n);
        return n;
}

static void hex(char *out, const unsigned char *bytes, size_t n)
{
        static const char digits[] = "0123456789abcdef";
        for (size_t i = 0; i < n; i++) {
                out[2 * i] = digits[bytes[i] >> 4];
                out[2 * i + 1] = digits[bytes[i] & 15];
        }
}

/* The next place in the order of this process. */
static void uuid_step(uint64_t *ret_ms, uint64_t *ret_counter, uint32_t *ret_chance)
{
        uint64_t now = (uint64_t)clock_now_ms();

        pthread_mutex_lock(&uuid.lock);
        uint64_t chance = pool_u64();
        if (now > uuid.last_ms) {
                uuid.last_ms = now;
                uuid.counter = pool_u64() % (COUNTER_END / 2);
        } else if (++uuid.counter == COUNTER_END) {
                uuid.last_ms++;
                uuid.counter = 0;
        }
        *ret_ms = uuid.last_ms;
        *ret_counter = uuid.counter;
        pthread_mutex_unlock(&uuid.lock);
        *ret_chance = (uint32_t)chance;
}

static void put_be(unsigned char *out, uint64_t n, size_t bytes)
{
        while (bytes--) {
                out[bytes] = (unsigned char)n;
                n >>= 8;
        }
}

void id_uuidv7(char out[ID_UUID_SIZE])
{
        static const unsigned char groups[] = {4, 2, 2, 2, 6};
        uint64_t ms, counter;
        uint32_t chance;
        unsigned char b[16];

        uuid_step(&ms, &counter, &chance);
        put_be(b, ms, 6);
        put_be(b + 6, UINT64_C(0x7000) | counter >> 30, 2);
        put_be(b + 8, UINT64_C(0x80000000) | (counter & 0x3fffffff), 4);
        put_be(b + 12, chance, 4);

        const unsigned char *from = b;
        for (size_t i = 0; i < sizeof groups; i++) {
                hex(out, from, groups[i]);
                out += 2 * groups[i];
                from += groups[i];
                *out++ = i + 1 < sizeof groups ? '-' : '\0';
        }
}

void id_hex24(char out[ID_HEX24_SIZE])
{
        unsigned char b[12];
        put_be(b, (uint64_t)clock_now_ms() / 1000, 4);
        random_bytes(b + 4, 8);
        hex(out, b, sizeof b);
        out[24] = '\0';
}

bool id_is_hex24(struct span text)
{
        for (size_t i = 0; i < text.len; i++)
                if (!((text.p[i] >= '0' && text.p[i] <= '9') ||
                      (text.p[i] >= 'a' && text.p[i] <= 'f')))
                        return false;
        return text.len == 24;
}
