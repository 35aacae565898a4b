/*
 * base/log_limit: ten lines a second of one event, the rest is counted.
 *
 * The table has a fixed size; when more events than it has places are alive at
 * once, the one longest silent gives up its place (and its count).
 *
 * Thread-safe.
 */
#ifndef BASE_LOG_LIMIT_H
#define BASE_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LOG_LIMIT_PER_SECOND 10

/* May a line of `event` go out now? If so, *ret_suppressed says how many could not since the last
 * one. */
bool log_limit_pass(const char *event, int64_t now_mono_ms, int64_t *ret_suppressed);

#endif
