/*
 * base_clock: time, and names made from it.
 *
 * Wall time is int64_t Unix milliseconds (`_ms` or `_at`), monotonic time is
 * `_mono_ms`. Everything asks here, so that tests can set the clock.
 */
#ifndef CHATELAINE_BASE_CLOCK_H
#define CHATELAINE_BASE_CLOCK_H

#include <chatelaine/base_buf.h>
#include <stdint.h>

int64_t clock_now_ms(void);
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* Tests: both clocks from these functions (NULL = the real one). Before threads start. */
void clock_inject(int64_t (*now_ms)(void), int64_t (*mono_ms)(void));

/* RFC 3339, UTC, milliseconds: "2026-11-21T20:52:10.123Z" (24 characters and NUL). */
#define CLOCK_RFC3339_SIZE 25
void clock_rfc3339(int64_t ms, char out[CLOCK_RFC3339_SIZE]);
/* RFC 3339 with any offset and any fraction (cut to ms); INVALID otherwise. */
enum status clock_parse_rfc3339(struct span text, int64_t *ret_ms, struct error *e) MUST_CHECK;
/*
 * ISO 8601 as Python's datetime.fromisoformat takes it: "T" or " " between, offset or none;
 * *ret_naive tells that none was given (read as UTC).
 */
enum status clock_parse_iso8601(struct span text, int64_t *ret_ms, bool *ret_naive,
                                struct error *e) MUST_CHECK;
/* "90d", "15m", "1h30m", "250ms", "30s", "1w", bare number = seconds; never negative. */
enum status clock_parse_duration(struct span text, int64_t *ret_ms, struct error *e) MUST_CHECK;

/* UUIDv7 (RFC 9562), monotonic within this process: 36 characters and NUL. */
#define ID_UUID_SIZE 37
void id_uuidv7(char out[ID_UUID_SIZE]);
/* 24 lower-case hex characters: 4 bytes of time, 8 of chance (as MongoDB's ObjectId looks). */
#define ID_HEX24_SIZE 25
void id_hex24(char out[ID_HEX24_SIZE]);
bool id_is_hex24(struct span text);
/* n bytes from getrandom(2); ends the process when the kernel has none. */
void random_bytes(void *out, size_t n);

#endif
