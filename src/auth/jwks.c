/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JWKS documents; see jwks.h. */
#include "auth/jwks.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/limits.h"
#include "json/reader.h"

enum { NUMBER_BYTES_MAX = RSA_BITS_MAX / 8, EC_COORDINATE_BYTES = 32, ED25519_BYTES = 32 };

static void cleanup_builder(OSSL_PARAM_BLD **builder)
{
    OSSL_PARAM_BLD_free(*builder);
}

static void cleanup_params(OSSL_PARAM **params)
{
    OSSL_PARAM_free(*params);
}

static void cleanup_context(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static void cleanup_number(BIGNUM **number)
{
    BN_free(*number);
}

void keyset_copy(const KeySet *keys, KeySet *copy_out)
{
    *copy_out = *keys;
    for (size_t i = 0; i < keys->count; i++) {
        EVP_PKEY_up_ref(keys->keys[i].key);
    }
}

void keyset_clear(KeySet *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        EVP_PKEY_free(keys->keys[i].key);
    }
    keys->count = 0;
}

/* A base64url member of at most `bytes_max` bytes. */
static bool read_bytes(const json_t *jwk, const char *name, size_t bytes_max, Buffer *out)
{
    const char *text = document_string(jwk, name);
    buffer_init(out, bytes_max);
    return text != NULL && base64url_decode(text_of(text), out) && !out->overflow &&
           out->length > 0;
}

static EVP_PKEY *key_of_params(const char *type, OSSL_PARAM_BLD *builder)
{
    CLEANUP(cleanup_params) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    CLEANUP(cleanup_context) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;
    if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        return NULL;
    }
    return key;
}

static EVP_PKEY *read_rsa(const json_t *jwk)
{
    AUTO_BUFFER modulus = {0};
    AUTO_BUFFER exponent = {0};
    if (!read_bytes(jwk, "n", NUMBER_BYTES_MAX, &modulus) ||
        !read_bytes(jwk, "e", NUMBER_BYTES_MAX, &exponent)) {
        return NULL;
    }
    CLEANUP(cleanup_number)
    BIGNUM *n = BN_bin2bn((const unsigned char *)modulus.bytes, (int)modulus.length, NULL);
    CLEANUP(cleanup_number)
    BIGNUM *e = BN_bin2bn((const unsigned char *)exponent.bytes, (int)exponent.length, NULL);
    CLEANUP(cleanup_builder) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (n == NULL || e == NULL || builder == NULL || BN_num_bits(n) < RSA_BITS_MIN ||
        !BN_is_odd(e) || BN_is_one(e) ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) != 1) {
        return NULL;
    }
    return key_of_params("RSA", builder);
}

static EVP_PKEY *read_p256(const json_t *jwk)
{
    AUTO_BUFFER x = {0};
    AUTO_BUFFER y = {0};
    const char *curve = document_string(jwk, "crv");
    if (curve == NULL || strcmp(curve, "P-256") != 0 ||
        !read_bytes(jwk, "x", EC_COORDINATE_BYTES, &x) || x.length != EC_COORDINATE_BYTES ||
        !read_bytes(jwk, "y", EC_COORDINATE_BYTES, &y) || y.length != EC_COORDINATE_BYTES) {
        return NULL;
    }
    unsigned char point[1 + 2 * EC_COORDINATE_BYTES] = {0x04}; /* not compressed */
    memcpy(point + 1, x.bytes, EC_COORDINATE_BYTES);
    memcpy(point + 1 + EC_COORDINATE_BYTES, y.bytes, EC_COORDINATE_BYTES);
    CLEANUP(cleanup_builder) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (builder == NULL ||
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) !=
            1 ||
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) !=
            1) {
        return NULL;
    }
    return key_of_params("EC", builder);
}

static EVP_PKEY *read_ed25519(const json_t *jwk)
{
    AUTO_BUFFER x = {0};
    const char *curve = document_string(jwk, "crv");
    if (curve == NULL || strcmp(curve, "Ed25519") != 0 ||
        !read_bytes(jwk, "x", ED25519_BYTES, &x) || x.length != ED25519_BYTES) {
        return NULL;
    }
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x.bytes,
                                       x.length);
}

static bool has_value(const json_t *jwk, const char *name, const char *wanted)
{
    const char *value = document_string(jwk, name);
    return json_object_get(jwk, name) == NULL || (value != NULL && strcmp(value, wanted) == 0);
}

bool jws_algorithm_find(const char *name, JwsAlgorithm *algorithm_out)
{
    static const struct {
        const char *name;
        JwsAlgorithm algorithm;
    } NAMES[] = {
        {"RS256", JWS_RS256}, {"ES256", JWS_ES256}, {"EdDSA", JWS_EDDSA}, {"Ed25519", JWS_EDDSA}};
    for (size_t i = 0; name != NULL && i < ARRAY_COUNT(NAMES); i++) {
        if (strcmp(name, NAMES[i].name) == 0) {
            *algorithm_out = NAMES[i].algorithm;
            return true;
        }
    }
    return false;
}

/* A key that names no algorithm is for the one of its kind. */
static bool is_for(const json_t *jwk, JwsAlgorithm algorithm)
{
    JwsAlgorithm named = JWS_ALGORITHM_COUNT;
    return json_object_get(jwk, "alg") == NULL ||
           (jws_algorithm_find(document_string(jwk, "alg"), &named) && named == algorithm);
}

static EVP_PKEY *read_key(const json_t *jwk, JwsAlgorithm *algorithm_out)
{
    static const struct {
        const char *type;
        EVP_PKEY *(*read)(const json_t *jwk);
    } KINDS[JWS_ALGORITHM_COUNT] = {
        [JWS_RS256] = {"RSA", read_rsa},
        [JWS_ES256] = {"EC", read_p256},
        [JWS_EDDSA] = {"OKP", read_ed25519},
    };
    const char *type = document_string(jwk, "kty");
    if (type == NULL || !has_value(jwk, "use", "sig")) {
        return NULL;
    }
    for (int i = 0; i < JWS_ALGORITHM_COUNT; i++) {
        if (strcmp(type, KINDS[i].type) == 0 && is_for(jwk, (JwsAlgorithm)i)) {
            *algorithm_out = (JwsAlgorithm)i;
            return KINDS[i].read(jwk);
        }
    }
    return NULL;
}

static void add_key(KeySet *keys, const json_t *jwk)
{
    const char *id = document_string(jwk, "kid");
    PublicKey *place = &keys->keys[keys->count];
    *place = (PublicKey){0};
    if (id != NULL && !text_copy(text_of(id), place->id, sizeof place->id)) {
        return;
    }
    place->key = read_key(jwk, &place->algorithm);
    ERR_clear_error();
    if (place->key != NULL) {
        keys->count++;
    }
}

bool keyset_parse(Text json, KeySet *keys_out, Error *error)
{
    AUTO_JSON *root = NULL;
    if (!document_parse(json, &root, error)) {
        return error_context(error, "JWKS");
    }
    const json_t *list = json_object_get(root, "keys");
    if (!json_is_array(list)) {
        return error_set(error, ERROR_INVALID, "JWKS: it has no list 'keys'");
    }
    KeySet keys = {.count = 0};
    for (size_t i = 0; i < json_array_size(list) && keys.count < KEYS_MAX; i++) {
        add_key(&keys, json_array_get(list, i));
    }
    if (keys.count == 0) {
        return error_set(error, ERROR_INVALID,
                         "JWKS: it has no key for RS256 (2048 bits or more), ES256 or EdDSA");
    }
    *keys_out = keys;
    return true;
}

bool keyset_read(const char *path, KeySet *keys_out, Error *error)
{
    AUTO_FREE char *json = NULL;
    size_t length = 0;
    if (!file_read(path, JWKS_BYTES_MAX, &json, &length, error)) {
        return false;
    }
    return keyset_parse((Text){json, length}, keys_out, error) ||
           error_context(error, "'%s'", path);
}
