/* SPDX-License-Identifier: Apache-2.0 */
/* Making keys and tokens; see issuer.h. */
#include "auth/issuer.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/limits.h"
#include "json/reader.h"
#include "json/writer.h"

enum {
    RSA_BITS = 2048,
    RSA_BYTES = RSA_BITS / 8,
    PEM_BYTES_MAX = 16384,
    FOLDER_MODE = 0700,
    PRIVATE_MODE = 0600,
    PUBLIC_MODE = 0644
};

typedef struct KeyParts {
    char modulus[BASE64_BYTES(RSA_BYTES)];
    char exponent[BASE64_BYTES(RSA_BYTES)];
    char id[BASE64_BYTES(SHA256_DIGEST_LENGTH)]; /* the thumbprint of RFC 7638 */
} KeyParts;

struct IssuerKey {
    EVP_PKEY *key;
    KeyParts parts;
};

static void cleanup_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void cleanup_bio(BIO **bio)
{
    BIO_free_all(*bio);
}

static void cleanup_digest(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

static bool fail(Error *error, const char *what)
{
    char reason[ERROR_MESSAGE_BYTES];
    ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
    ERR_clear_error();
    error_set(error, ERROR_INTERNAL, "token issuer: cannot %s", what);
    return error_cause(error, "%s", reason);
}

static bool encode_number(const EVP_PKEY *key, const char *name, char *out)
{
    BIGNUM *number = NULL;
    unsigned char bytes[RSA_BYTES];
    bool encoded =
        EVP_PKEY_get_bn_param(key, name, &number) == 1 && BN_num_bytes(number) <= RSA_BYTES;
    if (encoded) {
        int length = BN_bn2bin(number, bytes);
        base64url_encode(bytes, (size_t)length, out);
    }
    BN_free(number);
    return encoded;
}

static bool key_parts(const EVP_PKEY *key, KeyParts *parts, Error *error)
{
    if (!encode_number(key, OSSL_PKEY_PARAM_RSA_N, parts->modulus) ||
        !encode_number(key, OSSL_PKEY_PARAM_RSA_E, parts->exponent)) {
        return fail(error, "read the key");
    }
    AUTO_FREE char *canonical = alloc_format("{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}",
                                             parts->exponent, parts->modulus);
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)canonical, strlen(canonical), digest);
    base64url_encode(digest, sizeof digest, parts->id);
    return true;
}

static bool write_private(const EVP_PKEY *key, const char *path, Error *error)
{
    CLEANUP(cleanup_bio) BIO *memory = BIO_new(BIO_s_mem());
    char *pem = NULL;
    if (memory == NULL ||
        PEM_write_bio_PKCS8PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) != 1) {
        return fail(error, "write the key");
    }
    long length = BIO_get_mem_data(memory, &pem);
    return file_write(path, (Text){pem, (size_t)length}, PRIVATE_MODE, error);
}

static char *jwks_of(const KeyParts *parts)
{
    return alloc_format("{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\","
                        "\"alg\":\"RS256\",\"kid\":\"%s\",\"n\":\"%s\","
                        "\"e\":\"%s\"}]}\n",
                        parts->id, parts->modulus, parts->exponent);
}

static bool write_jwks(const EVP_PKEY *key, const char *path, Error *error)
{
    KeyParts parts;
    if (!key_parts(key, &parts, error)) {
        return false;
    }
    AUTO_FREE char *json = jwks_of(&parts);
    return file_write(path, text_of(json), PUBLIC_MODE, error);
}

static bool read_private(const char *path, EVP_PKEY **key_out, Error *error)
{
    AUTO_FREE char *pem = NULL;
    size_t length = 0;
    if (!file_read(path, PEM_BYTES_MAX, &pem, &length, error)) {
        return false;
    }
    CLEANUP(cleanup_bio) BIO *memory = BIO_new_mem_buf(pem, (int)length);
    EVP_PKEY *key = memory == NULL ? NULL : PEM_read_bio_PrivateKey(memory, NULL, NULL, NULL);
    if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA ||
        EVP_PKEY_get_bits(key) != RSA_BITS) {
        EVP_PKEY_free(key);
        fail(error, "use the key");
        return error_context(error, "'%s'", path);
    }
    *key_out = key;
    return true;
}

bool issuer_create(const char *folder, Error *error)
{
    AUTO_FREE char *private_path = alloc_format("%s/%s", folder, ISSUER_PRIVATE_FILE);
    AUTO_FREE char *jwks_path = alloc_format("%s/%s", folder, ISSUER_JWKS_FILE);
    CLEANUP(cleanup_key) EVP_PKEY *key = NULL;
    if (!folder_create(folder, FOLDER_MODE, error)) {
        return false;
    }
    Error missing = {0};
    if (!read_private(private_path, &key, &missing)) {
        if (missing.code != ERROR_NOT_FOUND) {
            *error = missing;
            return false;
        }
        key = EVP_RSA_gen(RSA_BITS);
        if (key == NULL) {
            return fail(error, "make a key");
        }
        if (!write_private(key, private_path, error)) {
            return false;
        }
    }
    /* Written each time: a start that was cut short between the two files is repaired. */
    return write_jwks(key, jwks_path, error);
}

bool issuer_key_read(const char *private_pem_path, IssuerKey **key_out, Error *error)
{
    CLEANUP(cleanup_key) EVP_PKEY *key = NULL;
    KeyParts parts;
    if (!read_private(private_pem_path, &key, error) || !key_parts(key, &parts, error)) {
        return false;
    }
    *key_out = ALLOC_NEW(IssuerKey);
    **key_out = (IssuerKey){TAKE(key), parts};
    return true;
}

void issuer_key_destroy(IssuerKey *key)
{
    if (key != NULL) {
        EVP_PKEY_free(key->key);
        alloc_free(key);
    }
}

char *issuer_key_jwks(const IssuerKey *key)
{
    return jwks_of(&key->parts);
}

static void add_part(Buffer *token, const Buffer *json)
{
    AUTO_FREE char *encoded = alloc_array(BASE64_BYTES(json->length), 1);
    base64url_encode(json->bytes, json->length, encoded);
    buffer_string(token, encoded);
}

static void write_header(const KeyParts *parts, Buffer *out)
{
    JsonWriter writer;
    writer_init(&writer, out);
    writer_begin_object(&writer);
    writer_key_string(&writer, "alg", "RS256");
    writer_key_string(&writer, "kid", parts->id);
    writer_key_string(&writer, "typ", "JWT");
    writer_end_object(&writer);
}

static void write_optional(JsonWriter *writer, const char *key, const char *value)
{
    if (value != NULL) {
        writer_key_string(writer, key, value);
    }
}

static void write_claims(const IssuerClaims *claims, Buffer *out)
{
    int64_t issued_at = claims->issued_at_us / MICROSECONDS_PER_SECOND;
    JsonWriter writer;
    writer_init(&writer, out);
    writer_begin_object(&writer);
    writer_key_string(&writer, "iss", claims->issuer);
    writer_key_string(&writer, "aud", claims->audience);
    writer_key_string(&writer, "sub", claims->user_id);
    write_optional(&writer, "azp", claims->client_id);
    write_optional(&writer, "org_id", claims->organization_id);
    if (claims->role != NULL) {
        AUTO_FREE char *role_claim = alloc_format("%s/role", claims->audience);
        writer_key_string(&writer, role_claim, claims->role);
        writer_key_string(&writer, "role", claims->role);
    }
    write_optional(&writer, "scope", claims->scope);
    write_optional(&writer, "nonce", claims->nonce);
    write_optional(&writer, "email", claims->email);
    write_optional(&writer, "name", claims->name);
    writer_key_integer(&writer, "iat", issued_at);
    writer_key_integer(&writer, "exp", issued_at + claims->lifetime_seconds);
    writer_end_object(&writer);
}

static bool add_signature(EVP_PKEY *key, Buffer *token, Error *error)
{
    CLEANUP(cleanup_digest) EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char signature[RSA_BYTES];
    size_t length = sizeof signature;
    if (context == NULL || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(context, signature, &length, (const unsigned char *)token->bytes,
                       token->length) != 1) {
        return fail(error, "sign");
    }
    char encoded[BASE64_BYTES(RSA_BYTES)];
    base64url_encode(signature, length, encoded);
    buffer_byte(token, '.');
    buffer_string(token, encoded);
    return true;
}

bool issuer_sign(const IssuerKey *key, const IssuerClaims *claims, char **token_out, Error *error)
{
    AUTO_BUFFER header;
    AUTO_BUFFER payload;
    AUTO_BUFFER token;
    buffer_init(&header, TOKEN_BYTES_MAX);
    buffer_init(&payload, TOKEN_BYTES_MAX);
    buffer_init(&token, TOKEN_BYTES_MAX);
    write_header(&key->parts, &header);
    write_claims(claims, &payload);
    add_part(&token, &header);
    buffer_byte(&token, '.');
    add_part(&token, &payload);
    if (!add_signature(key->key, &token, error)) {
        return false;
    }
    if (payload.overflow || token.overflow) {
        return error_set(error, ERROR_LIMIT, "the token would be longer than %d bytes",
                         TOKEN_BYTES_MAX);
    }
    *token_out = buffer_take(&token, NULL);
    return true;
}
