/*
 * Access keys and public keys from strangers. What is read as an access key is written back to the
 * same bytes: no two texts are one key. A public key that is taken verifies nothing that it did
 * not sign.
 */
#include "fuzz.h"

#include <chatelaine/codec_access_key.h>

#include <stdlib.h>

static void check_key(struct span text)
{
        struct access_key_text k;
        struct buf out;
        if (!access_key_read(text, &k))
                return;
        if (!access_key_is(text))
                abort();
        buf_init(&out, ACCESS_KEY_TEXT_MAX);
        access_key_write(&k, &out);
        if (out.status != STATUS_OK || !span_equal(buf_view(&out), text))
                abort();
        buf_fini_secret(&out);
}

static void check_public(struct span text)
{
        uint8_t bytes[ED25519_SIZE];
        struct pkey *k;
        if (access_public_read(text, bytes, NULL) != STATUS_OK)
                return;
        if (pkey_from_public(bytes, &k, NULL) != STATUS_OK || pkey_is_private(k))
                abort();
        pkey_free(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct span text = span_make(data, size);
        check_key(text);
        check_public(text);
        return 0;
}
