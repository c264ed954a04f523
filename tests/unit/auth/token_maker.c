/* SPDX-License-Identifier: Apache-2.0 */
/* Signing for tests; see token_maker.h. */
#include "token_maker.h"

#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/base64.h"

enum { SIGNATURE_BYTES = 256, MAC_BYTES = 32 };

static void require(bool done)
{
    if (!done) {
        abort();
    }
}

void token_maker_init(TokenMaker *maker)
{
    *maker = (TokenMaker){.key = EVP_RSA_gen(2048)};
    require(maker->key != NULL && EVP_PKEY_up_ref(maker->key) == 1);
    maker->keys.count = 1;
    maker->keys.keys[0] = (PublicKey){.id = "k1", .algorithm = JWS_RS256, .key = maker->key};
    BIO *memory = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    require(PEM_write_bio_PUBKEY(memory, maker->key) == 1);
    long length = BIO_get_mem_data(memory, &bytes);
    maker->pem = text_to_string((Text){bytes, (size_t)length});
    BIO_free_all(memory);
}

void token_maker_clear(TokenMaker *maker)
{
    keyset_clear(&maker->keys);
    EVP_PKEY_free(maker->key);
    alloc_free(maker->pem);
}

static char *encode(const void *bytes, size_t length)
{
    char *out = alloc_array(BASE64_BYTES(length), 1);
    base64url_encode(bytes, length, out);
    return out;
}

static char *signed_part(const char *header, const char *claims)
{
    AUTO_FREE char *first = encode(header, strlen(header));
    AUTO_FREE char *second = encode(claims, strlen(claims));
    return alloc_format("%s.%s", first, second);
}

static char *join(const char *part, const void *signature, size_t length)
{
    AUTO_FREE char *last = encode(signature, length);
    return alloc_format("%s.%s", part, last);
}

char *token_maker_sign(const TokenMaker *maker, const char *header, const char *claims)
{
    AUTO_FREE char *part = signed_part(header, claims);
    unsigned char signature[SIGNATURE_BYTES];
    size_t length = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    require(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, maker->key) == 1 &&
            EVP_DigestSign(context, signature, &length, (const unsigned char *)part,
                           strlen(part)) == 1);
    EVP_MD_CTX_free(context);
    return join(part, signature, length);
}

char *token_maker_hmac(const TokenMaker *maker, const char *header, const char *claims)
{
    AUTO_FREE char *part = signed_part(header, claims);
    unsigned char mac[MAC_BYTES];
    unsigned length = 0;
    require(HMAC(EVP_sha256(), maker->pem, (int)strlen(maker->pem), (const unsigned char *)part,
                 strlen(part), mac, &length) != NULL);
    return join(part, mac, length);
}
