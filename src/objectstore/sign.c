/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA256 over the parts of a grant, or what S3 wants for it; see sign.h. */
#include "objectstore/sign.h"

#include <inttypes.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/parse.h"
#include "base/percent.h"
#include "objectstore/objectstore.h"
#include "objectstore/s3_bucket.h"

#define OBJECTS_PATH "/objects/"

enum {
    MAC_BYTES = 32,
    FILE_NAME_BYTES_MAX = 1024,
    MEDIA_TYPE_BYTES_MAX = 255,
    QUERY_PARTS_MAX = 16
};

typedef struct Signature {
    char text[BASE64_BYTES(MAC_BYTES)];
} Signature;

/* The query of a signed URL, still encoded; bytes == NULL: missing. */
typedef struct SignedQuery {
    Text expires;
    Text method;
    Text disposition;
    Text type;
    Text signature;
} SignedQuery;

/* A thread's context of HMAC-SHA256: to make one takes longer than to sign. */
static pthread_key_t mac_of_thread;
static pthread_once_t mac_once = PTHREAD_ONCE_INIT;

static void free_mac(void *context)
{
    EVP_MAC_CTX_free(context);
}

static void make_mac_key(void)
{
    if (pthread_key_create(&mac_of_thread, free_mac) != 0) {
        abort();
    }
}

static EVP_MAC_CTX *make_mac(void)
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(algorithm);
    EVP_MAC_free(algorithm);
    if (context == NULL || EVP_MAC_CTX_set_params(context, parameters) != 1 ||
        pthread_setspecific(mac_of_thread, context) != 0) {
        abort();
    }
    return context;
}

static void compute_mac(Text key, Text message, unsigned char mac[MAC_BYTES])
{
    pthread_once(&mac_once, make_mac_key);
    EVP_MAC_CTX *context = pthread_getspecific(mac_of_thread);
    context = context == NULL ? make_mac() : context;
    size_t length = 0;
    if (EVP_MAC_init(context, (const unsigned char *)key.bytes, key.length, NULL) != 1 ||
        EVP_MAC_update(context, (const unsigned char *)message.bytes, message.length) != 1 ||
        EVP_MAC_final(context, mac, &length, MAC_BYTES) != 1 || length != MAC_BYTES) {
        abort();
    }
}

static const char *method_name(UrlMethod method)
{
    return method == URL_PUT ? "PUT" : "GET";
}

void url_granted_clear(UrlGranted *granted)
{
    alloc_free(granted->object_key);
    alloc_free(granted->file_name);
    alloc_free(granted->media_type);
    *granted = (UrlGranted){0};
}

bool url_signer_check(const UrlSigner *signer, Error *error)
{
    Text url = text_of(signer->object_url);
    if (signer->key.length < SIGNING_KEY_BYTES_MIN) {
        return error_set(error, ERROR_INVALID, "the URL signing key must have at least %d bytes",
                         SIGNING_KEY_BYTES_MIN);
    }
    if ((!text_starts_with(url, "http://") && !text_starts_with(url, "https://")) ||
        text_ends_with(url, "/")) {
        return error_set(error, ERROR_INVALID,
                         "the object URL must begin with http:// or https:// and not end with '/'");
    }
    return true;
}

/* The parts stand on lines of their own: neither a method, a media type nor a key can hold a
 * newline, and the file name is the last one. */
static Signature compute(const UrlSigner *signer, const UrlGrant *grant)
{
    AUTO_BUFFER message;
    buffer_init(&message, SIGNED_URL_BYTES_MAX);
    buffer_string(&message, method_name(grant->method));
    if (string_is_given(grant->media_type)) {
        buffer_format(&message, " %s", grant->media_type);
    }
    buffer_format(&message, "\n%s\n%" PRId64 "\n%s", grant->object_key, grant->expires_at_seconds,
                  grant->file_name == NULL ? "" : grant->file_name);
    if (message.overflow) {
        abort();
    }
    unsigned char mac[MAC_BYTES];
    compute_mac(signer->key, buffer_view(&message), mac);
    Signature signature;
    base64url_encode(mac, MAC_BYTES, signature.text);
    return signature;
}

void url_sign(const UrlSigner *signer, const UrlGrant *grant, Buffer *out)
{
    if (signer->bucket != NULL) {
        s3_url_sign(signer->bucket, grant, out);
        return;
    }
    Signature signature = compute(signer, grant);
    buffer_string(out, signer->object_url);
    buffer_string(out, OBJECTS_PATH);
    percent_encode_path(out, text_of(grant->object_key));
    buffer_format(out, "?expires=%" PRId64 "&method=%s", grant->expires_at_seconds,
                  method_name(grant->method));
    if (string_is_given(grant->file_name)) {
        buffer_string(out, "&disposition=");
        percent_encode(out, text_of(grant->file_name));
    }
    if (string_is_given(grant->media_type)) {
        buffer_string(out, "&type=");
        percent_encode(out, text_of(grant->media_type));
    }
    buffer_string(out, "&signature=");
    buffer_string(out, signature.text);
}

static bool is_local(const UrlSigner *signer, Text url)
{
    return text_starts_with(url, signer->object_url) &&
           text_starts_with(text_from(url, strlen(signer->object_url)), OBJECTS_PATH);
}

bool url_is_own(const UrlSigner *signer, Text url)
{
    return is_local(signer, url) || (signer->bucket != NULL && s3_url_is_own(signer->bucket, url));
}

static bool refuse(Error *error, const char *why)
{
    return error_set(error, ERROR_FORBIDDEN, "%s", why);
}

/* A part that is given twice would let two readers see two values: it is refused. */
static bool read_query(Text query, SignedQuery *out)
{
    static const char *const NAMES[] = {"expires", "method", "disposition", "type", "signature"};
    Text *const values[] = {&out->expires, &out->method, &out->disposition, &out->type,
                            &out->signature};
    int count = 0;
    while (query.bytes != NULL && query.length > 0) {
        Text value = text_split(&query, '&');
        Text name = text_split(&value, '=');
        if (++count > QUERY_PARTS_MAX) {
            return false;
        }
        for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
            if (!text_is(name, NAMES[i])) {
                continue;
            }
            if (values[i]->bytes != NULL || value.bytes == NULL) {
                return false;
            }
            *values[i] = value;
        }
    }
    return true;
}

/* A heap string; NULL when the decoded text is too long or holds a NUL. */
static char *decode(Text text, size_t bytes_max)
{
    AUTO_FREE char *decoded = alloc_array(text.length + 1, 1);
    size_t length = percent_decode(text, false, decoded);
    if (length > bytes_max || memchr(decoded, '\0', length) != NULL) {
        return NULL;
    }
    decoded[length] = '\0';
    return TAKE(decoded);
}

/* A part that may be missing: then *text_out stays NULL. */
static bool decode_optional(Text text, size_t bytes_max, char **text_out)
{
    if (text.length > 0) {
        *text_out = decode(text, bytes_max);
    }
    return text.length == 0 || *text_out != NULL;
}

static bool media_type_is_valid(const char *media_type)
{
    return media_type == NULL || strpbrk(media_type, "\r\n") == NULL;
}

static bool signature_matches(const UrlSigner *signer, const UrlGrant *grant, Text given)
{
    Signature expected = compute(signer, grant);
    size_t length = strlen(expected.text);
    return given.length == length && CRYPTO_memcmp(given.bytes, expected.text, length) == 0;
}

bool url_verify_target(const UrlSigner *signer,
                       UrlTarget target,
                       UrlMethod method,
                       int64_t now_us,
                       UrlGranted *granted_out,
                       Error *error)
{
    SignedQuery query = {0};
    if (!text_starts_with(target.path, OBJECTS_PATH) || !read_query(target.query, &query)) {
        return refuse(error, "The URL is not one of this store.");
    }
    AUTO_URL_GRANTED granted = {0};
    UrlGrant grant = {.method = method};
    granted.object_key =
        decode(text_from(target.path, sizeof OBJECTS_PATH - 1), OBJECT_KEY_BYTES_MAX);
    bool parts_good = decode_optional(query.disposition, FILE_NAME_BYTES_MAX, &granted.file_name) &&
                      decode_optional(query.type, MEDIA_TYPE_BYTES_MAX, &granted.media_type) &&
                      media_type_is_valid(granted.media_type);
    if (granted.object_key == NULL || !object_key_valid(text_of(granted.object_key)) ||
        !parts_good || !text_is(query.method, method_name(method)) ||
        !parse_int64(query.expires, 0, INT64_MAX, &grant.expires_at_seconds)) {
        return refuse(error, "The URL's signature does not match.");
    }
    grant.object_key = granted.object_key;
    grant.file_name = granted.file_name;
    grant.media_type = granted.media_type;
    if (!signature_matches(signer, &grant, query.signature)) {
        return refuse(error, "The URL's signature does not match.");
    }
    if (now_us / MICROSECONDS_PER_SECOND >= grant.expires_at_seconds) {
        return refuse(error, "The URL has expired.");
    }
    granted_out->object_key = TAKE(granted.object_key);
    granted_out->file_name = TAKE(granted.file_name);
    granted_out->media_type = TAKE(granted.media_type);
    return true;
}

bool url_verify(const UrlSigner *signer,
                Text url,
                UrlMethod method,
                int64_t now_us,
                UrlGranted *granted_out,
                Error *error)
{
    if (signer->bucket != NULL && !is_local(signer, url)) {
        return s3_url_verify(signer->bucket, url, method, now_us, granted_out, error);
    }
    if (!is_local(signer, url)) {
        return refuse(error, "The URL is not one of this store.");
    }
    UrlTarget target = {.query = text_from(url, strlen(signer->object_url))};
    target.path = text_split(&target.query, '?');
    return url_verify_target(signer, target, method, now_us, granted_out, error);
}
