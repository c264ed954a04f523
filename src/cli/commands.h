/* SPDX-License-Identifier: Apache-2.0 */
/* The commands for clients and operators; programs/slideway puts them in a table. */
#pragma once
#include "cli/command.h"

extern const Command COMMAND_RUN_SUBMIT;
extern const Command COMMAND_RUN_WATCH;
extern const Command COMMAND_RUN_LIST;
extern const Command COMMAND_RUN_SHOW;
extern const Command COMMAND_RUN_CANCEL;
extern const Command COMMAND_RUN_DOWNLOAD;
extern const Command COMMAND_RUN_DELETE;
extern const Command COMMAND_RUN_ATTEMPTS;
extern const Command COMMAND_WORKER_LIST;
extern const Command COMMAND_APP_LIST;
extern const Command COMMAND_APP_SHOW;
extern const Command COMMAND_APP_REGISTER;
extern const Command COMMAND_ORG_ADD;
extern const Command COMMAND_ORG_WEIGHT;
extern const Command COMMAND_USER_ADD;
extern const Command COMMAND_KEY_ADD;
extern const Command COMMAND_KEY_LIST;
extern const Command COMMAND_KEY_REVOKE;
extern const Command COMMAND_BUCKET_ASSIGN;
extern const Command COMMAND_BUCKET_LIST;
extern const Command COMMAND_BUCKET_ROTATE;
extern const Command COMMAND_BUCKET_UNASSIGN;
extern const Command COMMAND_QUOTA_SET;
extern const Command COMMAND_QUOTA_LIST;
extern const Command COMMAND_STORE_COPY;
extern const Command COMMAND_STORE_USE;
extern const Command COMMAND_STATUS;
extern const Command COMMAND_LOGIN;
extern const Command COMMAND_LOGOUT;
extern const Command COMMAND_TOKEN;
extern const Command COMMAND_WHOAMI;
extern const Command COMMAND_MIGRATE;
extern const Command COMMAND_SLIDE_SYNTHESIZE;
extern const Command COMMAND_SLIDE_INFO;
