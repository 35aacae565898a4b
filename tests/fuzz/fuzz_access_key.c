/*
 * Access keys and public keys that a stranger sends. What is read as an access key has four parts
 * in the alphabet that secret scanners know, lies in the text, and is written out again as the very
 * text: no two texts are one key. Its seed's pair proves itself.
 */
#include "fuzz.h"

#include <chatelaine/codec_access_key.h>
#include <chatelaine/codec_text.h>

#include <regex.h>
#include <stdlib.h>

static void must(bool is_so)
{
        if (!is_so)
                abort();
}

/* The form once more, as an expression; its base64 begins with what never changes of the DER. */
static bool has_form(struct span text)
{
        static regex_t form;
        char copy[ACCESS_KEY_TEXT_MAX + 1];

        if (!form.re_nsub)
                must(regcomp(&form,
                             "^(sc_[a-zA-Z0-9_]*)[.][-a-zA-Z0-9_]+[.][-a-zA-Z0-9_]+[.]"
                             "MC4CAQAwBQYDK2VwBCIEI[A-P][a-zA-Z0-9+/]{42}$",
                             REG_EXTENDED) == 0);
        if (text.len > ACCESS_KEY_TEXT_MAX || (text.len && memchr(text.p, 0, text.len)))
                return false;
        if (text.len)
                memcpy(copy, text.p, text.len);
        copy[text.len] = '\0';
        return regexec(&form, copy, 0, NULL, 0) == 0;
}

static void check_key(struct span text)
{
        struct access_key_text key;
        struct buf CLEANUP(buf_fini) again;
        struct pkey *CLEANUP(pkey_freep) pair = NULL;
        uint8_t signature[ED25519_SIGNATURE_SIZE], stored[ED25519_SIZE];
        const struct span *const parts[] = {&key.client_id, &key.kid, &key.account_id};
        bool is_long = false;

        buf_init(&again, ACCESS_KEY_TEXT_MAX);
        if (!access_key_read(text, &key)) {
                struct span rest = text;
                for (int i = 0; i < 3; i++)
                        is_long = span_split(rest, '.', &rest).len > 64 || is_long;
                must(is_long || !has_form(text));
                return;
        }
        must(access_key_is(text) && has_form(text));
        for (size_t i = 0; i < 3; i++)
                must(parts[i]->p >= text.p && parts[i]->p + parts[i]->len <= text.p + text.len);
        access_key_write(&key, &again);
        must(span_equal(buf_view(&again), text));

        must(pkey_from_seed(key.seed, &pair, NULL) == STATUS_OK);
        must(pkey_sign(pair, text, signature, NULL) == STATUS_OK);
        must(pkey_public(pair, stored, NULL) == STATUS_OK);
        must(pkey_verify(pair, text, span_make(signature, sizeof signature)));
        must(memcmp(stored, key.seed, sizeof stored) != 0);
}

/* A public key that is brought is one: its own base64 is read as the same. */
static void check_public(struct span text)
{
        uint8_t bytes[ED25519_SIZE], same[ED25519_SIZE];
        struct buf CLEANUP(buf_fini) again;

        buf_init(&again, 64);
        if (access_public_read(text, bytes, NULL) != STATUS_OK)
                return;
        base64_encode(&again, span_make(bytes, sizeof bytes));
        must(access_public_read(buf_view(&again), same, NULL) == STATUS_OK);
        must(memcmp(bytes, same, sizeof bytes) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct span text = span_make(size ? (const void *)data : "", size);
        check_key(text);
        check_public(text);
        return 0;
}
