/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping logins; see login.h. */
#include "cli/login.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "auth/discovery.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/oauth_call.h"
#include "json/reader.h"

enum {
    LOGINS_BYTES_MAX = 1024 * 1024,
    FOLDER_MODE = 0700,
    FILE_MODE = 0600,
    FRESH_SECONDS = 60,
    LIFETIME_SECONDS_DEFAULT = 300 /* of a token whose issuer does not say */
};

void login_issuer_clear(LoginIssuer *issuer)
{
    char *owned[] = {issuer->issuer,     issuer->audience,  issuer->client_id,
                     issuer->scope,      issuer->token_url, issuer->authorize_url,
                     issuer->device_url, issuer->revoke_url};
    for (size_t i = 0; i < ARRAY_COUNT(owned); i++) {
        alloc_free(owned[i]);
    }
    *issuer = (LoginIssuer){0};
}

static char *optional_url(Text configuration, const char *issuer, const char *member)
{
    char *url = NULL;
    Error none = {0};
    return discovery_read(configuration, issuer, member, &url, &none) ? url : NULL;
}

static bool read_hint(const char *url, LoginIssuer *found, Error *error)
{
    AUTO_BUFFER body;
    buffer_init(&body, JWKS_BYTES_MAX);
    AUTO_FREE char *address = alloc_format("%s/.well-known/slideway", url);
    AUTO_JSON *hint = NULL;
    if (!oauth_get(address, &body, error) || !document_parse(buffer_view(&body), &hint, error)) {
        return false;
    }
    const struct {
        const char *name;
        char **place;
    } MEMBERS[] = {{"issuer", &found->issuer},
                   {"audience", &found->audience},
                   {"client_id", &found->client_id},
                   {"scope", &found->scope}};
    for (size_t i = 0; i < ARRAY_COUNT(MEMBERS); i++) {
        const char *value = document_string(hint, MEMBERS[i].name);
        if (value == NULL) {
            return error_set(error, ERROR_INVALID, "%s has no %s", address, MEMBERS[i].name);
        }
        *MEMBERS[i].place = alloc_string(value);
    }
    return discovery_check_issuer(found->issuer, error);
}

bool login_find_issuer(const char *url, LoginIssuer *issuer_out, Error *error)
{
    AUTO_LOGIN_ISSUER found = {0};
    AUTO_BUFFER body;
    buffer_init(&body, JWKS_BYTES_MAX);
    if (!read_hint(url, &found, error)) {
        return false;
    }
    AUTO_FREE char *address = discovery_url(found.issuer);
    if (!oauth_get(address, &body, error) ||
        !discovery_read(buffer_view(&body), found.issuer, "token_endpoint", &found.token_url,
                        error)) {
        return false;
    }
    Text configuration = buffer_view(&body);
    found.authorize_url = optional_url(configuration, found.issuer, "authorization_endpoint");
    found.device_url = optional_url(configuration, found.issuer, "device_authorization_endpoint");
    found.revoke_url = optional_url(configuration, found.issuer, "revocation_endpoint");
    *issuer_out = found;
    found = (LoginIssuer){0};
    return true;
}

/* The file. */

typedef struct LoginFile {
    char *path;
    int lock_fd; /* held as long as the file is open: a refresh token is used once */
    json_t *logins;
} LoginFile;

static void close_file(LoginFile *file)
{
    alloc_free(file->path);
    json_decref(file->logins);
    cleanup_fd(&file->lock_fd);
}
#define AUTO_LOGIN_FILE CLEANUP(close_file) LoginFile

static bool open_file(const Cli *cli, LoginFile *file, Error *error)
{
    if (cli->config_folder == NULL) {
        return error_set(error, ERROR_UNAUTHORIZED,
                         "logins have no place, for neither XDG_CONFIG_HOME nor HOME is set: "
                         "set SLIDEWAY_TOKEN, or one of these");
    }
    AUTO_FREE char *folder = alloc_format("%s/slideway", cli->config_folder);
    AUTO_FREE char *lock = alloc_format("%s/logins.lock", folder);
    file->path = alloc_format("%s/logins.json", folder);
    if (!folder_create(folder, FOLDER_MODE, error)) {
        return false;
    }
    file->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (file->lock_fd < 0 || flock(file->lock_fd, LOCK_EX) != 0) {
        return error_set(error, ERROR_FORBIDDEN, "cannot lock '%s': %m", lock);
    }
    Error reading = {0};
    if (!document_read(file->path, LOGINS_BYTES_MAX, &file->logins, &reading)) {
        if (reading.code != ERROR_NOT_FOUND) {
            *error = reading;
            return false;
        }
        file->logins = json_object();
    }
    return true;
}

static bool write_file(const LoginFile *file, Error *error)
{
    AUTO_FREE char *text = document_to_string(file->logins);
    bool written = file_write(file->path, text_of(text), FILE_MODE, error);
    explicit_bzero(text, strlen(text));
    return written;
}

static json_t *string_or_null(const char *value)
{
    return value == NULL ? json_null() : json_string(value);
}

/* A refresh may give no new refresh token: then the old one stays (RFC 6749, 6). */
static bool take_tokens(const Cli *cli, json_t *login, const json_t *tokens, Error *error)
{
    const char *access_token = document_string(tokens, "access_token");
    const char *refresh_token = document_string(tokens, "refresh_token");
    if (access_token == NULL) {
        return oauth_refusal(tokens, error);
    }
    const json_t *expires_in = json_object_get(tokens, "expires_in");
    int64_t seconds =
        json_is_integer(expires_in) ? json_integer_value(expires_in) : LIFETIME_SECONDS_DEFAULT;
    json_object_set_new(login, "access_token", json_string(access_token));
    json_object_set_new(login, "expires_at",
                        json_integer(clock_now_us(cli->clock) / MICROSECONDS_PER_SECOND + seconds));
    if (refresh_token != NULL) {
        json_object_set_new(login, "refresh_token", json_string(refresh_token));
    }
    return true;
}

bool login_keep(
    const Cli *cli, const char *url, const LoginIssuer *issuer, const json_t *tokens, Error *error)
{
    AUTO_LOGIN_FILE file = {.lock_fd = -1};
    AUTO_JSON *login = json_object();
    json_object_set_new(login, "client_id", json_string(issuer->client_id));
    json_object_set_new(login, "token_url", json_string(issuer->token_url));
    json_object_set_new(login, "revoke_url", string_or_null(issuer->revoke_url));
    if (!open_file(cli, &file, error) || !take_tokens(cli, login, tokens, error)) {
        return false;
    }
    json_object_set(file.logins, url, login);
    return write_file(&file, error);
}

static bool is_fresh(const Cli *cli, const json_t *login)
{
    int64_t left = json_integer_value(json_object_get(login, "expires_at")) -
                   clock_now_us(cli->clock) / MICROSECONDS_PER_SECOND;
    return document_string(login, "access_token") != NULL && left >= FRESH_SECONDS;
}

static bool refresh(const Cli *cli, const LoginFile *file, json_t *login, Error *error)
{
    const char *token_url = document_string(login, "token_url");
    const char *refresh_token = document_string(login, "refresh_token");
    if (token_url == NULL || refresh_token == NULL) {
        return error_set(error, ERROR_UNAUTHORIZED, "the login has ended: use `slideway login`");
    }
    const FormField fields[] = {{"grant_type", "refresh_token"},
                                {"refresh_token", refresh_token},
                                {"client_id", document_string(login, "client_id")}};
    AUTO_JSON *tokens = NULL;
    if (!oauth_post(token_url, fields, ARRAY_COUNT(fields), &tokens, error)) {
        return false;
    }
    if (!take_tokens(cli, login, tokens, error)) {
        return error_context(error, "the login has ended: use `slideway login`");
    }
    return write_file(file, error);
}

bool login_token(const Cli *cli, const char *url, char **token_out, Error *error)
{
    AUTO_LOGIN_FILE file = {.lock_fd = -1};
    if (!open_file(cli, &file, error)) {
        return false;
    }
    json_t *login = json_object_get(file.logins, url);
    if (login == NULL) {
        return error_set(error, ERROR_UNAUTHORIZED,
                         "nobody is signed in at %s: use `slideway login`, or set SLIDEWAY_TOKEN",
                         url);
    }
    if (!is_fresh(cli, login) && !refresh(cli, &file, login, error)) {
        return false;
    }
    *token_out = alloc_string(document_string(login, "access_token"));
    return true;
}

/* What the issuer cannot be told ends here all the same. */
static void tell_issuer(const json_t *login)
{
    const char *revoke_url = document_string(login, "revoke_url");
    const char *refresh_token = document_string(login, "refresh_token");
    if (revoke_url != NULL && refresh_token != NULL) {
        const FormField fields[] = {{"token", refresh_token},
                                    {"token_type_hint", "refresh_token"},
                                    {"client_id", document_string(login, "client_id")}};
        AUTO_JSON *answer = NULL;
        Error ignored = {0};
        (void)!oauth_post(revoke_url, fields, ARRAY_COUNT(fields), &answer, &ignored);
    }
}

bool login_end(const Cli *cli, const char *url, bool *was_in_out, Error *error)
{
    AUTO_LOGIN_FILE file = {.lock_fd = -1};
    if (!open_file(cli, &file, error)) {
        return false;
    }
    const json_t *login = json_object_get(file.logins, url);
    *was_in_out = login != NULL;
    if (login == NULL) {
        return true;
    }
    tell_issuer(login);
    json_object_del(file.logins, url);
    return write_file(&file, error);
}
