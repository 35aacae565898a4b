/*
 * codec_key: the form of an API key.
 *
 *     ctl_ 30 base62 characters of chance  6 base62 characters: CRC-32 of the 34 before
 *
 * A malformed key is refused before the store is touched, and secret scanners
 * can find one. The checksum proves nothing else: the store decides.
 */
#ifndef CHATELAINE_CODEC_KEY_H
#define CHATELAINE_CODEC_KEY_H

#include <chatelaine/base_buf.h>

#define KEY_LENGTH 40
#define KEY_SIZE (KEY_LENGTH + 1)
#define KEY_PREFIX "ctl_"

/* The same form under another prefix of four characters: tokens, clients' secrets. */
void token_make(const char *prefix, char out[KEY_SIZE]);
bool token_check(const char *prefix, struct span token);

void key_make(char out[KEY_SIZE]); /* NUL-terminated; wipe it after use */
bool key_check(struct span key);   /* well formed */

#endif
