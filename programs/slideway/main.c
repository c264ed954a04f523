/* SPDX-License-Identifier: Apache-2.0 */
/* The command that people type: a table of commands, nothing else. */
#include <curl/curl.h>
#include <string.h>

#include "base/attributes.h"
#include "cli/commands.h"
#include "up/launch.h"
#include "up/up.h"

static const Command *const COMMANDS[] = {
    &COMMAND_UP,
    &COMMAND_STATUS,
    &COMMAND_RUN_SUBMIT,
    &COMMAND_RUN_WATCH,
    &COMMAND_RUN_LIST,
    &COMMAND_RUN_SHOW,
    &COMMAND_RUN_CANCEL,
    &COMMAND_RUN_DOWNLOAD,
    &COMMAND_RUN_DELETE,
    &COMMAND_RUN_ATTEMPTS,
    &COMMAND_APP_LIST,
    &COMMAND_APP_SHOW,
    &COMMAND_APP_REGISTER,
    &COMMAND_ORG_ADD,
    &COMMAND_ORG_WEIGHT,
    &COMMAND_USER_ADD,
    &COMMAND_KEY_ADD,
    &COMMAND_KEY_LIST,
    &COMMAND_KEY_REVOKE,
    &COMMAND_BUCKET_LIST,
    &COMMAND_BUCKET_ROTATE,
    &COMMAND_BUCKET_ASSIGN,
    &COMMAND_BUCKET_UNASSIGN,
    &COMMAND_QUOTA_SET,
    &COMMAND_QUOTA_LIST,
    &COMMAND_WORKER_LIST,
    &COMMAND_LOGIN,
    &COMMAND_LOGOUT,
    &COMMAND_TOKEN,
    &COMMAND_WHOAMI,
    &COMMAND_STORE_COPY,
    &COMMAND_STORE_USE,
    &COMMAND_MIGRATE,
    &COMMAND_SLIDE_SYNTHESIZE,
    &COMMAND_SLIDE_INFO,
};

int main(int argument_count, char **arguments)
{
    if (argument_count > 1 && strcmp(arguments[1], "launch") == 0) {
        return launch_main(argument_count, arguments);
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return EXIT_FAILED;
    }
    int code = command_main(COMMANDS, ARRAY_COUNT(COMMANDS), arguments + 1);
    curl_global_cleanup();
    return code;
}
