/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying tokens; see jws.h. */
#include "auth/jws.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/limits.h"
#include "json/reader.h"

#define MEDIA_PREFIX "application/"

enum { SIGNATURE_BYTES_MAX = RSA_BITS_MAX / 8, ES256_BYTES = 64, ES256_DER_BYTES = 80 };

typedef struct Header {
    JwsAlgorithm algorithm;
    const char *key_id; /* NULL: none; lives in the header's document */
} Header;

static void cleanup_digest(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

static void cleanup_signature(ECDSA_SIG **signature)
{
    ECDSA_SIG_free(*signature);
}

static bool refuse(Error *error, const char *why)
{
    return error_set(error, ERROR_UNAUTHORIZED, "%s", why);
}

/* A part of the token as a JSON object. */
static bool read_part(Text part, json_t **object_out, Error *error)
{
    AUTO_BUFFER json;
    buffer_init(&json, TOKEN_BYTES_MAX);
    AUTO_JSON *object = NULL;
    if (!base64url_decode(part, &json) || json.overflow ||
        !document_parse(buffer_view(&json), &object, error) || !json_is_object(object)) {
        return refuse(error, "The token is not a well-formed JSON Web Token.");
    }
    *object_out = TAKE(object);
    return true;
}

/* RFC 8725, 3.11: a token of another kind, signed by the same issuer, is not for us. RFC 7515,
 * 4.1.9: the name is compared in any case, and "application/" may be left out. */
static bool is_access_token(const json_t *type)
{
    static const char *const NAMES[] = {"JWT", "at+jwt"};
    Text name = text_of(json_string_value(type));
    if (type == NULL) {
        return true;
    }
    if (name.bytes != NULL && strncasecmp(name.bytes, MEDIA_PREFIX, sizeof MEDIA_PREFIX - 1) == 0) {
        name = text_from(name, sizeof MEDIA_PREFIX - 1);
    }
    for (size_t i = 0; name.bytes != NULL && i < ARRAY_COUNT(NAMES); i++) {
        if (strcasecmp(name.bytes, NAMES[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_header(const json_t *document, Header *header_out, Error *error)
{
    if (!is_access_token(json_object_get(document, "typ"))) {
        return refuse(error, "The token is of another type than an access token.");
    }
    /* RFC 7515, 4.1.11: a "crit" with extensions that are not understood makes it invalid, and we
     * understand none. */
    if (json_object_get(document, "crit") != NULL || json_object_get(document, "b64") != NULL) {
        return refuse(error, "The token needs an extension that is not supported.");
    }
    const json_t *key_id = json_object_get(document, "kid");
    if (key_id != NULL && (!json_is_string(key_id) || json_string_length(key_id) >= KEY_ID_BYTES)) {
        return refuse(error, "The token's key id is no short string.");
    }
    header_out->key_id = json_string_value(key_id);
    return jws_algorithm_find(document_string(document, "alg"), &header_out->algorithm) ||
           refuse(error, "The token's algorithm is not allowed.");
}

/* The key that the header names, for the algorithm that the key is for. */
static JwsVerdict
find_key(const KeySet *keys, const Header *header, const PublicKey **key_out, Error *error)
{
    if (header->key_id == NULL && keys->count > 1) {
        refuse(error, "The token names no key.");
        return JWS_REFUSED;
    }
    for (size_t i = 0; i < keys->count; i++) {
        const PublicKey *key = &keys->keys[i];
        if (header->key_id != NULL && strcmp(header->key_id, key->id) != 0) {
            continue;
        }
        if (key->algorithm != header->algorithm) {
            refuse(error, "The token's algorithm is not the one of its key.");
            return JWS_REFUSED;
        }
        *key_out = key;
        return JWS_VALID;
    }
    refuse(error, "The token was signed with an unknown key.");
    return JWS_UNKNOWN_KEY;
}

/* JWS has r and s side by side (RFC 7518, 3.4), OpenSSL wants them in DER. */
static bool es256_to_der(Buffer *signature)
{
    if (signature->length != ES256_BYTES) {
        return false;
    }
    const unsigned char *raw = (const unsigned char *)signature->bytes;
    CLEANUP(cleanup_signature) ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, ES256_BYTES / 2, NULL);
    BIGNUM *s = BN_bin2bn(raw + ES256_BYTES / 2, ES256_BYTES / 2, NULL);
    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return false;
    }
    unsigned char der[ES256_DER_BYTES];
    unsigned char *end = der;
    int length = i2d_ECDSA_SIG(pair, NULL);
    if (length <= 0 || length > ES256_DER_BYTES || i2d_ECDSA_SIG(pair, &end) != length) {
        return false;
    }
    buffer_reset(signature);
    buffer_append(signature, der, (size_t)length);
    return true;
}

static bool signature_fits(const PublicKey *key, Text signed_part, Text signature_part)
{
    AUTO_BUFFER signature;
    buffer_init(&signature, SIGNATURE_BYTES_MAX);
    if (!base64url_decode(signature_part, &signature) || signature.overflow ||
        (key->algorithm == JWS_ES256 && !es256_to_der(&signature))) {
        return false;
    }
    CLEANUP(cleanup_digest) EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *digest = key->algorithm == JWS_EDDSA ? NULL : EVP_sha256();
    bool fits = context != NULL &&
                EVP_DigestVerifyInit(context, NULL, digest, NULL, key->key) == 1 &&
                EVP_DigestVerify(context, (const unsigned char *)signature.bytes, signature.length,
                                 (const unsigned char *)signed_part.bytes, signed_part.length) == 1;
    ERR_clear_error();
    return fits;
}

JwsVerdict jws_verify(const KeySet *keys,
                      Text token,
                      json_t **claims_out,
                      char missing_out[KEY_ID_BYTES],
                      Error *error)
{
    Text rest = token;
    Text header_part = text_split(&rest, '.');
    Text claims_part = text_split(&rest, '.');
    Text signature_part = text_split(&rest, '.');
    if (token.length > TOKEN_BYTES_MAX || signature_part.length == 0 || rest.bytes != NULL) {
        refuse(error, "The token is not a well-formed JSON Web Token.");
        return JWS_REFUSED;
    }
    AUTO_JSON *header_document = NULL;
    Header header = {0};
    if (!read_part(header_part, &header_document, error) ||
        !read_header(header_document, &header, error)) {
        return JWS_REFUSED;
    }
    const PublicKey *key = NULL;
    JwsVerdict found = find_key(keys, &header, &key, error);
    if (found != JWS_VALID) {
        snprintf(missing_out, KEY_ID_BYTES, "%s", header.key_id == NULL ? "" : header.key_id);
        return found;
    }
    Text signed_part = {token.bytes, header_part.length + 1 + claims_part.length};
    if (!signature_fits(key, signed_part, signature_part)) {
        refuse(error, "The token's signature does not match.");
        return JWS_REFUSED;
    }
    return read_part(claims_part, claims_out, error) ? JWS_VALID : JWS_REFUSED;
}
