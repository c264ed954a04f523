/* SPDX-License-Identifier: Apache-2.0 */
/* The authorisation code flow of a program on the user's own machine (RFC 8252, RFC 7636). */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/sha.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "auth/secret.h"
#include "base/alloc.h"
#include "base/base64.h"
#include "base/percent.h"
#include "base/spawn.h"
#include "cli/login.h"
#include "cli/oauth_call.h"
#include "json/reader.h"

enum {
    LOGIN_SECONDS_MAX = 300,
    CALLS_MAX = 50, /* a browser also asks for an icon, and others may knock */
    CALL_MILLISECONDS = 5000,
    REQUEST_BYTES_MAX = 8192,
    ADDRESS_BYTES = 64,
    URL_BYTES_MAX = 8192
};

extern char **environ;

typedef struct Callback {
    int listen_fd;
    char redirect_uri[ADDRESS_BYTES];
    Secret verifier;
    Secret state;
    char *code; /* NULL until it came */
} Callback;

static void clear_callback(Callback *callback)
{
    cleanup_fd(&callback->listen_fd);
    alloc_free(callback->code);
}

static bool open_callback(const Cli *cli, Callback *callback, Error *error)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    callback->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (callback->listen_fd < 0 ||
        bind(callback->listen_fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(callback->listen_fd, 4) != 0 ||
        getsockname(callback->listen_fd, (struct sockaddr *)&address, &length) != 0) {
        return error_set(error, ERROR_INTERNAL, "cannot listen for the browser: %m");
    }
    snprintf(callback->redirect_uri, sizeof callback->redirect_uri, "http://127.0.0.1:%u/callback",
             (unsigned)ntohs(address.sin_port));
    callback->verifier = secret_create(cli->clock, "");
    callback->state = secret_create(cli->clock, "");
    return true;
}

static void write_address(const LoginIssuer *issuer, const Callback *callback, Buffer *url_out)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char challenge[BASE64_BYTES(SHA256_DIGEST_LENGTH)];
    SHA256((const unsigned char *)callback->verifier.text, strlen(callback->verifier.text), digest);
    base64url_encode(digest, sizeof digest, challenge);
    const FormField fields[] = {{"response_type", "code"},
                                {"client_id", issuer->client_id},
                                {"redirect_uri", callback->redirect_uri},
                                {"scope", issuer->scope},
                                {"state", callback->state.text},
                                {"code_challenge", challenge},
                                {"code_challenge_method", "S256"},
                                {"audience", issuer->audience},
                                {"prompt", "consent"}};
    buffer_format(url_out, "%s%c", issuer->authorize_url,
                  strchr(issuer->authorize_url, '?') == NULL ? '?' : '&');
    form_encode(url_out, fields, ARRAY_COUNT(fields));
}

/* Whether it starts or not: the address is shown too. */
static void open_browser(const char *url)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    char *arguments[] = {(char[]){"xdg-open"}, (char *)url, NULL};
    pid_t pid = 0;
    if (spawn_attributes_set(&attributes) != 0) {
        return;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
}

/* The first line of a request: "GET /callback?code=… HTTP/1.1". */
static bool read_request_line(int fd, char line[REQUEST_BYTES_MAX])
{
    size_t length = 0;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    while (length < REQUEST_BYTES_MAX - 1 && poll(&wait, 1, CALL_MILLISECONDS) > 0) {
        ssize_t got = read(fd, line + length, REQUEST_BYTES_MAX - 1 - length);
        if (got <= 0) {
            return false;
        }
        length += (size_t)got;
        line[length] = '\0';
        char *end = strstr(line, "\r\n");
        if (end != NULL) {
            *end = '\0';
            return true;
        }
    }
    return false;
}

static char *query_value(Text query, const char *name)
{
    while (query.bytes != NULL) {
        Text value = text_split(&query, '&');
        if (text_is(text_split(&value, '='), name)) {
            char *decoded = alloc_array(value.length + 1, 1);
            decoded[percent_decode(value, true, decoded)] = '\0';
            return decoded;
        }
    }
    return NULL;
}

static void answer(int fd, const char *status, const char *text)
{
    AUTO_FREE char *page = alloc_format(
        "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n%s",
        status, strlen(text), text);
    (void)!send(fd, page, strlen(page), MSG_NOSIGNAL);
}

/* A call without our state is another program's, or forged: it is told so, and we wait on. */
static bool take_call(Callback *callback, int fd, Error *error)
{
    char line[REQUEST_BYTES_MAX];
    if (!read_request_line(fd, line)) {
        return true;
    }
    Text query = text_of(line);
    Text path = text_split(&query, '?');
    query = text_split(&query, ' ');
    AUTO_FREE char *state = query_value(query, "state");
    if (!text_is(path, "GET /callback") || state == NULL ||
        !secret_equal(text_of(state), text_of(callback->state.text))) {
        answer(fd, "404 Not Found", "There is nothing here.\n");
        return true;
    }
    AUTO_FREE char *refusal = query_value(query, "error");
    callback->code = query_value(query, "code");
    if (callback->code == NULL) {
        answer(fd, "200 OK", "You are not signed in. You can close this page.\n");
        return error_set(error, ERROR_UNAUTHORIZED, "the issuer refuses: %.100s",
                         refusal == NULL ? "it sent no code" : refusal);
    }
    answer(fd, "200 OK", "You are signed in. You can close this page.\n");
    return true;
}

static bool await_code(const Cli *cli, Callback *callback, Error *error)
{
    int64_t end_us = clock_monotonic_us(cli->clock) + LOGIN_SECONDS_MAX * MICROSECONDS_PER_SECOND;
    for (int call = 0; call < CALLS_MAX && callback->code == NULL; call++) {
        int64_t left_us = end_us - clock_monotonic_us(cli->clock);
        struct pollfd wait = {.fd = callback->listen_fd, .events = POLLIN};
        if (left_us <= 0 || poll(&wait, 1, (int)(left_us / MICROSECONDS_PER_MILLISECOND)) <= 0) {
            break;
        }
        AUTO_FD fd = accept4(callback->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0 && !take_call(callback, fd, error)) {
            return false;
        }
    }
    return callback->code != NULL ||
           error_set(error, ERROR_UNAUTHORIZED, "nobody signed in within %d s", LOGIN_SECONDS_MAX);
}

bool login_by_browser(const Cli *cli,
                      const LoginIssuer *issuer,
                      bool opens_browser,
                      json_t **tokens_out,
                      Error *error)
{
    if (issuer->authorize_url == NULL) {
        return error_set(error, ERROR_INVALID, "%s has no login by a browser", issuer->issuer);
    }
    CLEANUP(clear_callback) Callback callback = {.listen_fd = -1};
    AUTO_BUFFER url;
    buffer_init(&url, URL_BYTES_MAX);
    if (!open_callback(cli, &callback, error)) {
        return false;
    }
    write_address(issuer, &callback, &url);
    fprintf(stderr, "Sign in with a browser on this machine:\n%s\n", buffer_to_string(&url));
    if (opens_browser) {
        open_browser(buffer_to_string(&url));
    }
    if (!await_code(cli, &callback, error)) {
        return false;
    }
    const FormField fields[] = {{"grant_type", "authorization_code"},
                                {"code", callback.code},
                                {"code_verifier", callback.verifier.text},
                                {"redirect_uri", callback.redirect_uri},
                                {"client_id", issuer->client_id}};
    return oauth_post(issuer->token_url, fields, ARRAY_COUNT(fields), tokens_out, error);
}
