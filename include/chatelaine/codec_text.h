/*
 * codec_text: bytes as text and back.
 *
 * Encoders append to a struct buf, whose failure sticks. Decoders append only
 * when the whole text is good; else INVALID with slug "invalid-base64",
 * "invalid-hex" or "invalid-percent", and the buffer is as it was. Strict
 * means: no white space, no foreign character, no missing or surplus padding,
 * and unused bits zero, so that one value has one spelling.
 *
 * Thread: pure functions.
 */
#ifndef CHATELAINE_CODEC_TEXT_H
#define CHATELAINE_CODEC_TEXT_H

#include <chatelaine/base_buf.h>

/* RFC 4648 section 4, padded. */
void base64_encode(struct buf *out, struct span bytes);
enum status base64_decode(struct buf *out, struct span text, struct error *e) MUST_CHECK;
/* The same, padding may be left out (Standard Webhooks secrets and signatures). */
enum status base64_decode_lenient(struct buf *out, struct span text, struct error *e) MUST_CHECK;
/* RFC 4648 section 5, never padded (RFC 7515). */
void base64url_encode(struct buf *out, struct span bytes);
enum status base64url_decode(struct buf *out, struct span text, struct error *e) MUST_CHECK;

/* RFC 4648 section 8: written in lower case, read in either. */
void hex_encode(struct buf *out, struct span bytes);
enum status hex_decode(struct buf *out, struct span text, struct error *e) MUST_CHECK;
/* Exactly `len` bytes into out; false when text is not 2 * len hex digits. */
bool hex_decode_exact(void *out, size_t len, struct span text);
/* 2 * n characters and a NUL. */
void hex_write(char *out, const void *bytes, size_t n);

/* 0-9 A-Z a-z. */
bool base62_is(struct span text);         /* all characters are of the alphabet; not empty */
void base62_u32(uint32_t n, char out[6]); /* big end first, zero-filled, no NUL */
void base62_random(char *out, size_t n);  /* n characters of even chance, no NUL */
void base36_random(char *out, size_t n);  /* 0-9 a-z, the same */

/* CRC-32 of zlib, PNG, gzip (reflected 0xEDB88320). */
uint32_t text_crc32(struct span bytes);

enum percent_set {
        PERCENT_COMPONENT,  /* RFC 3986: all but unreserved */
        PERCENT_QUOTE_PLUS, /* Python's quote_plus: the same, space is '+' */
};
void percent_encode(struct buf *out, struct span bytes, enum percent_set set);
/* %HH; '+' is a space when plus_is_space. A bare or cut '%' is INVALID. */
enum status percent_decode(struct buf *out, struct span text, bool plus_is_space,
                           struct error *e) MUST_CHECK;

/* Valid UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool utf8_is_valid(struct span text);
/* Code points of valid UTF-8. */
size_t utf8_characters(struct span text);

#endif
