/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing in and out with a browser. A login is two statements: the first counts the guess and
 * gives the hash, then the password is judged on the pool, and the second opens the session.
 */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "auth/password.h"
#include "http/rows.h"
#include "identity/form.h"
#include "identity/identity_api.h"
#include "identity/login_page.h"
#include "identity/pages.h"
#include "identity_sql.h"

enum { USER_BYTES_MAX = 255 };

static const Statement BEGIN_LOGIN = {"begin_login", SQL_BEGIN_LOGIN, STATEMENT_WRITE, 2};
static const Statement FINISH_LOGIN = {"finish_login", SQL_FINISH_LOGIN, STATEMENT_WRITE, 5};
static const Statement FIND_SESSION = {"find_session_to_end", SQL_FIND_SESSION, STATEMENT_READ, 1};
static const Statement END_SESSION = {"end_session", SQL_END_SESSION, STATEMENT_WRITE, 1};

typedef struct Login {
    Text user;
    Text password;
    Text next;
    bool has_begun; /* the first statement has answered */
    int wait_seconds;
    const char *password_hash; /* NULL: no such user, or none who has a password */
    Secret session;
} Login;

void login_page(Request *request, Response *response, int status, Text next, const char *problem)
{
    const PageForm form = {.heading = "Sign in",
                           .text = "Sign in with your user name on this platform.",
                           .action = "/login",
                           .problem = problem};
    page_form_begin(request, response, status, &form);
    page_hidden(response, "next", next);
    page_input(response, "user", "text", "User", TEXT(""));
    page_input(response, "password", "password", "Password", TEXT(""));
    page_button(response, "action", "login", "Sign in");
    page_form_end(response);
}

/* Only to our own pages: no address of a form leads elsewhere. */
static bool is_own_page(Text next)
{
    return text_starts_with(next, "/authorize?") || text_is(next, "/oauth/device") ||
           text_starts_with(next, "/oauth/device?");
}

static const Statement *
begin(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    if (!page_form_read(request, response)) {
        return NULL;
    }
    if (!is_own_page(form_value(request, "next"))) {
        page_form_refuse(request, response);
        return NULL;
    }
    Login *login = arena_alloc(&request->arena, sizeof *login);
    login->user = form_value(request, "user");
    login->password = form_value(request, "password");
    login->next = form_value(request, "next");
    if (login->user.length == 0 || login->user.length > USER_BYTES_MAX ||
        login->password.length == 0) {
        login_page(request, response, 403, login->next, "User and password are needed.");
        return NULL;
    }
    request->state = login;
    parameters_add(parameters, login->user.bytes);
    parameters_add(parameters, request->address);
    return endpoint->statement;
}

static const Statement *
judge(Request *request, Login *login, Parameters *parameters, Response *response)
{
    if (login->wait_seconds > 0) {
        login_page(
            request, response, 429, login->next,
            arena_format(&request->arena, "Too many tries: wait %d seconds.", login->wait_seconds));
        response->retry_after_seconds = login->wait_seconds;
        return NULL;
    }
    bool is_right = password_fits(login->password, login->password_hash);
    OPENSSL_cleanse((char *)login->password.bytes, login->password.length);
    login->session = secret_create(request->clock, "");
    SecretHash hash = secret_hash(text_of(login->session.text));
    parameters_add(parameters, login->user.bytes);
    parameters_add(parameters, request->address);
    parameters_add(parameters, login->password_hash);
    parameters_add(parameters, is_right ? "t" : "f");
    parameters_add(parameters, arena_string(&request->arena, text_of(hash.hex)));
    return &FINISH_LOGIN;
}

static const Statement *
bind_login(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    Login *login = request->state;
    return login != NULL && login->has_begun ? judge(request, login, parameters, response)
                                             : begin(endpoint, request, parameters, response);
}

static bool learn_login(Request *request, const PGresult *result)
{
    enum { WAIT_SECONDS, PASSWORD_HASH };
    Login *login = request->state;
    if (login->has_begun) {
        return false;
    }
    login->has_begun = true;
    login->wait_seconds = (int)strtol(row_value(result, 0, WAIT_SECONDS), NULL, 10);
    const char *hash = row_value(result, 0, PASSWORD_HASH);
    login->password_hash = hash == NULL ? NULL : arena_string(&request->arena, text_of(hash));
    return true;
}

static void render_login(Request *request, const PGresult *result, Response *response)
{
    const Login *login = request->state;
    if (!text_is(text_of(row_value(result, 0, 0)), "t")) {
        login_page(request, response, 403, login->next, "User or password is wrong.");
        return;
    }
    response_see_other(response, login->next.bytes);
    session_set(request, response, &login->session);
}

static const Statement *bind_ask_logout(const Endpoint *endpoint,
                                        Request *request,
                                        Parameters *parameters,
                                        Response *response)
{
    (void)response;
    parameters_add(parameters, session_hash(request));
    return endpoint->statement;
}

static void render_ask_logout(Request *request, const PGresult *result, Response *response)
{
    const char *user = row_value(result, 0, 0);
    if (user == NULL) {
        page_message(request, response, 200, "Signed out", "Nobody is signed in here.");
        return;
    }
    const PageForm form = {.heading = "Sign out",
                           .text = arena_format(&request->arena, "You are signed in as %s.", user),
                           .action = "/logout"};
    page_form_begin(request, response, 200, &form);
    page_button(response, "action", "logout", "Sign out");
    page_form_end(response);
}

static const Statement *
bind_logout(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    if (!page_form_read(request, response)) {
        return NULL;
    }
    parameters_add(parameters, session_hash(request));
    return endpoint->statement;
}

static void render_logout(Request *request, const PGresult *result, Response *response)
{
    (void)result;
    page_message(request, response, 200, "Signed out", "You are signed out of this browser.");
    session_forget(request, response);
}

const Endpoint LOGIN_ENDPOINTS[] = {
    {.method = "POST",
     .path = "/login",
     .permission = PERMISSION_PUBLIC,
     .statement = &BEGIN_LOGIN,
     .bind = bind_login,
     .render = render_login,
     .learn = learn_login},
    {"GET", "/logout", PERMISSION_PUBLIC, &FIND_SESSION, bind_ask_logout, render_ask_logout, NULL},
    {"POST", "/logout", PERMISSION_PUBLIC, &END_SESSION, bind_logout, render_logout, NULL},
};
const size_t LOGIN_ENDPOINT_COUNT = ARRAY_COUNT(LOGIN_ENDPOINTS);
