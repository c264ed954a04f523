/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of buckets and their secrets; see bucket_key.h. */
#include "buckets/bucket_key.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <stdio.h>
#include <string.h>

#include "auth/secret.h"
#include "base/attributes.h"
#include "base/base64.h"

#define SEAL_PURPOSE "slideway bucket secrets 1"

/* AES-256-GCM as in NIST SP 800-38D: a nonce by chance, and the whole tag. */
enum {
    NONCE_BYTES = 12,
    TAG_BYTES = 16,
    SEALED_BYTES_MAX = NONCE_BYTES + BUCKET_SECRET_BYTES + TAG_BYTES,
    ID_CHARACTERS = 16,
    NAME_START_MAX = 40,
    NAME_RANDOM_BYTES = 6
};

static_assert((size_t)BUCKET_SECRET_BYTES >= SECRET_BYTES, "a secret has room");
static_assert((size_t)SEALED_SECRET_BYTES >= BASE64_BYTES((size_t)SEALED_BYTES_MAX),
              "a sealed secret has room");
static_assert(BUCKET_KEY_ID_BYTES == sizeof BUCKET_KEY_ID_PREFIX + ID_CHARACTERS, "an id has room");

static void cleanup_cipher(EVP_CIPHER_CTX **context)
{
    EVP_CIPHER_CTX_free(*context);
}

void bucket_seal_init(BucketSeal *seal, Text url_signing_key)
{
    size_t length = sizeof seal->key;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    if (context == NULL || EVP_PKEY_derive_init(context) != 1 ||
        EVP_PKEY_CTX_set_hkdf_md(context, EVP_sha256()) != 1 ||
        EVP_PKEY_CTX_set1_hkdf_key(context, (const unsigned char *)url_signing_key.bytes,
                                   (int)url_signing_key.length) != 1 ||
        EVP_PKEY_CTX_add1_hkdf_info(context, (const unsigned char *)SEAL_PURPOSE,
                                    sizeof SEAL_PURPOSE - 1) != 1 ||
        EVP_PKEY_derive(context, seal->key, &length) != 1 || length != sizeof seal->key) {
        abort();
    }
    EVP_PKEY_CTX_free(context);
}

void bucket_seal_clear(BucketSeal *seal)
{
    OPENSSL_cleanse(seal, sizeof *seal);
}

void bucket_secret_clear(BucketSecret *secret)
{
    OPENSSL_cleanse(secret, sizeof *secret);
}

void bucket_secret_seal(const BucketSeal *seal,
                        const Clock *clock,
                        const char *access_key_id,
                        const char *secret,
                        char out[SEALED_SECRET_BYTES])
{
    unsigned char sealed[SEALED_BYTES_MAX];
    int length = 0;
    int rest = 0;
    clock_random_bytes(clock, sealed, NONCE_BYTES);
    CLEANUP(cleanup_cipher) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context == NULL ||
        EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, seal->key, sealed) != 1 ||
        EVP_EncryptUpdate(context, NULL, &length, (const unsigned char *)access_key_id,
                          (int)strlen(access_key_id)) != 1 ||
        EVP_EncryptUpdate(context, sealed + NONCE_BYTES, &length, (const unsigned char *)secret,
                          (int)strlen(secret)) != 1 ||
        EVP_EncryptFinal_ex(context, sealed + NONCE_BYTES + length, &rest) != 1 || rest != 0 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_BYTES,
                            sealed + NONCE_BYTES + length) != 1) {
        abort();
    }
    base64_encode(sealed, NONCE_BYTES + (size_t)length + TAG_BYTES, out);
}

void bucket_key_create(const BucketSeal *seal, const Clock *clock, BucketKey *key_out)
{
    static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned char random[ID_CHARACTERS];
    BucketKey key = {.access_key_id = BUCKET_KEY_ID_PREFIX};
    clock_random_bytes(clock, random, sizeof random);
    for (size_t i = 0; i < ID_CHARACTERS; i++) {
        key.access_key_id[sizeof BUCKET_KEY_ID_PREFIX - 1 + i] =
            LETTERS[random[i] % (sizeof LETTERS - 1)];
    }
    Secret secret = secret_create(clock, "");
    bucket_secret_seal(seal, clock, key.access_key_id, secret.text, key.sealed_secret);
    OPENSSL_cleanse(&secret, sizeof secret);
    *key_out = key;
}

void bucket_name_create(const char *organization_id,
                        const Clock *clock,
                        char out[BUCKET_NAME_BYTES])
{
    size_t length = 0;
    for (const char *c = organization_id; *c != '\0' && length < NAME_START_MAX; c++) {
        char lower = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
        if (plain || (length > 0 && out[length - 1] != '-')) {
            out[length++] = plain ? lower : '-';
        }
    }
    if (length == 0) {
        length = (size_t)snprintf(out, BUCKET_NAME_BYTES, "bucket");
    }
    unsigned char random[NAME_RANDOM_BYTES];
    clock_random_bytes(clock, random, sizeof random);
    const char *separator = out[length - 1] == '-' ? "" : "-";
    length += (size_t)snprintf(out + length, BUCKET_NAME_BYTES - length, "%s", separator);
    for (size_t i = 0; i < sizeof random; i++) {
        snprintf(out + length + 2 * i, BUCKET_NAME_BYTES - length - 2 * i, "%02x", random[i]);
    }
}

static bool unseal(const BucketSeal *seal,
                   const char *access_key_id,
                   const Buffer *sealed,
                   BucketSecret *secret)
{
    const unsigned char *bytes = (const unsigned char *)sealed->bytes;
    unsigned char tag[TAG_BYTES];
    int length = 0;
    int rest = 0;
    size_t secret_length = sealed->length - NONCE_BYTES - TAG_BYTES;
    memcpy(tag, bytes + sealed->length - TAG_BYTES, sizeof tag);
    CLEANUP(cleanup_cipher) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context == NULL) {
        abort();
    }
    bool opened = EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, seal->key, bytes) == 1 &&
                  EVP_DecryptUpdate(context, NULL, &length, (const unsigned char *)access_key_id,
                                    (int)strlen(access_key_id)) == 1 &&
                  EVP_DecryptUpdate(context, (unsigned char *)secret->text, &length,
                                    bytes + NONCE_BYTES, (int)secret_length) == 1 &&
                  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
                  EVP_DecryptFinal_ex(context, (unsigned char *)secret->text + length, &rest) == 1;
    secret->text[opened ? length : 0] = '\0';
    return opened;
}

bool bucket_secret_open(const BucketSeal *seal,
                        const char *access_key_id,
                        const char *sealed_secret,
                        BucketSecret *secret_out,
                        Error *error)
{
    AUTO_BUFFER sealed;
    AUTO_BUCKET_SECRET secret = {.text = ""};
    buffer_init(&sealed, SEALED_BYTES_MAX);
    if (!base64_decode(text_of(sealed_secret), &sealed) || sealed.overflow ||
        sealed.length <= NONCE_BYTES + TAG_BYTES ||
        sealed.length >= NONCE_BYTES + TAG_BYTES + BUCKET_SECRET_BYTES ||
        !unseal(seal, access_key_id, &sealed, &secret)) {
        return error_set(error, ERROR_INVALID, "the secret of a bucket cannot be read");
    }
    *secret_out = secret;
    return true;
}
