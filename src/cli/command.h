/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the program `slideway`: each is a row with its name, operands, options and function.
 * command_main finds the row, reads the command line, runs it and turns its error into one line
 * on standard error and an exit code.
 */
#pragma once
#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/options.h"
#include "objectstore/settings.h"

/* Documented in docs/cli.md and by `slideway help`. */
typedef enum ExitCode {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_INVALID = 2,      /* usage, invalid input, or not found */
    EXIT_REFUSED = 3,      /* no valid token, or not allowed */
    EXIT_DATA_IN_USE = 4,  /* another `slideway up` runs on the folder */
    EXIT_PORT_BUSY = 5,    /* another program listens on the port */
    EXIT_NOT_WRITABLE = 6, /* a folder cannot be written, or its disk is full */
    EXIT_NO_DATABASE = 7,  /* PostgreSQL's programs are missing or do not start */
    EXIT_TROUBLE = 8,      /* `status` found something wrong */
    EXIT_INTERRUPTED = 130 /* Ctrl-C, as a shell counts it */
} ExitCode;

/* Where the platform is; from the environment, each overruled by the option of its name. */
typedef struct CliSettings {
    char *url;             /* SLIDEWAY_URL */
    char *token;           /* SLIDEWAY_TOKEN */
    char *data;            /* SLIDEWAY_DATA */
    char *database;        /* SLIDEWAY_DATABASE */
    char *url_signing_key; /* SLIDEWAY_URL_SIGNING_KEY */
    StoreSettings store;
    char *config_home; /* XDG_CONFIG_HOME */
    char *home;        /* HOME */
} CliSettings;

/* What every command gets. Empty strings are NULL here. */
typedef struct Cli {
    const Clock *clock;
    const char *url;
    const char *token;
    const char *data;
    const char *database;
    const char *url_signing_key;
    const StoreSettings *store; /* its place may be empty */
    const char *config_folder;  /* of the person's programs; NULL: none */
    const char *as_user;        /* whose token is made from the data folder; NULL: the first user */
    bool json;
    FILE *out;
    ExitCode exit_code; /* a command that fails may name its own; EXIT_OK: by the error's code */
} Cli;

typedef struct Command {
    const char *name;     /* "run submit" */
    const char *operands; /* "APPLICATION SLIDE..." */
    int operands_min;
    int operands_max;
    const char *summary;
    const char *details; /* more lines of help, or NULL */
    const Option *options;
    size_t option_count;
    const void *defaults; /* an options struct with the defaults, or NULL: zeros */
    size_t options_bytes;
    bool (*run)(Cli *cli, const void *options, const Operands *operands, Error *error);
} Command;

enum { OPERANDS_ANY = 100000 };

/* Runs what the command line asks for; the result is the program's exit code. */
int command_main(const Command *const *commands, size_t count, char **arguments);
