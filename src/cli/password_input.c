/* SPDX-License-Identifier: Apache-2.0 */
/* Reading passwords; see password_input.h. */
#include "cli/password_input.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>

#include "base/alloc.h"

enum { LINE_BYTES = 1024 };

static void cleanup_stream(FILE **stream)
{
    if (*stream != NULL && *stream != stdin) {
        fclose(*stream);
    }
}

static bool read_line(FILE *stream, char **line_out, Error *error)
{
    char line[LINE_BYTES];
    if (fgets(line, sizeof line, stream) == NULL) {
        return error_set(error, ERROR_INVALID, "no password was given");
    }
    size_t length = strcspn(line, "\r\n");
    bool is_whole = line[length] != '\0' || feof(stream);
    line[length] = '\0';
    if (is_whole) {
        *line_out = alloc_string(line);
    }
    OPENSSL_cleanse(line, sizeof line);
    return is_whole || error_set(error, ERROR_INVALID, "the password is too long");
}

static bool ask_once(FILE *terminal, const char *prompt, char **line_out, Error *error)
{
    struct termios shown;
    if (tcgetattr(fileno(terminal), &shown) != 0) {
        return error_set(error, ERROR_INVALID, "the terminal cannot hide a password: %m");
    }
    struct termios hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(fileno(terminal), TCSAFLUSH, &hidden);
    fputs(prompt, terminal);
    fflush(terminal);
    bool was_read = read_line(terminal, line_out, error);
    tcsetattr(fileno(terminal), TCSAFLUSH, &shown);
    fputs("\n", terminal);
    return was_read;
}

bool password_ask(char **password_out, Error *error)
{
    CLEANUP(cleanup_stream) FILE *terminal = fopen("/dev/tty", "r+e");
    if (terminal == NULL) {
        return error_set(error, ERROR_INVALID,
                         "there is no terminal to ask for the password: use --password-file FILE");
    }
    AUTO_FREE char *first = NULL;
    AUTO_FREE char *second = NULL;
    if (!ask_once(terminal, "Password: ", &first, error) ||
        !ask_once(terminal, "The same again: ", &second, error)) {
        return false;
    }
    if (strcmp(first, second) != 0) {
        return error_set(error, ERROR_INVALID, "the two passwords differ");
    }
    *password_out = TAKE(first);
    return true;
}

bool password_read(const char *path, char **password_out, Error *error)
{
    CLEANUP(cleanup_stream) FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (file == NULL) {
        return error_set(error, ERROR_NOT_FOUND, "cannot read the password from '%s': %m", path);
    }
    return read_line(file, password_out, error);
}
