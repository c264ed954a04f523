/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and running a command; see command.h. */
#include "cli/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/settings.h"
#include "json/reader.h"

static const Setting SETTINGS[] = {
    {"SLIDEWAY_URL", SETTING_STRING, offsetof(CliSettings, url), "", "address of the API"},
    {"SLIDEWAY_TOKEN", SETTING_SECRET, offsetof(CliSettings, token), "", "bearer token"},
    {"SLIDEWAY_DATA", SETTING_STRING, offsetof(CliSettings, data), "",
     "data folder of a platform on this machine"},
    {"SLIDEWAY_DATABASE", SETTING_SECRET, offsetof(CliSettings, database), "",
     "PostgreSQL's connection string, for the operator's commands"},
    {"SLIDEWAY_URL_SIGNING_KEY", SETTING_SECRET, offsetof(CliSettings, url_signing_key), "",
     "secret of the server's signed URLs, for `bucket assign`"},
    STORE_SETTINGS(offsetof(CliSettings, store), ""),
    {"XDG_CONFIG_HOME", SETTING_STRING, offsetof(CliSettings, config_home), "",
     "folder of settings, where logins are kept"},
    {"HOME", SETTING_STRING, offsetof(CliSettings, home), "", "whose .config it is otherwise"},
};

typedef struct CommonOptions {
    const char *data;
    const char *url;
    const char *as_user;
    bool json;
    bool help;
} CommonOptions;

static const Option COMMON_OPTIONS[] = {
    {"data", OPTION_STRING, offsetof(CommonOptions, data), "DIR",
     "data folder of a platform on this machine (SLIDEWAY_DATA)"},
    {"url", OPTION_STRING, offsetof(CommonOptions, url), "URL",
     "address of the API (SLIDEWAY_URL)"},
    {"as", OPTION_STRING, offsetof(CommonOptions, as_user), "USER",
     "whose token is made from --data without SLIDEWAY_TOKEN (admin)"},
    {"json", OPTION_FLAG, offsetof(CommonOptions, json), NULL, "print JSON"},
    {"help", OPTION_FLAG, offsetof(CommonOptions, help), NULL, "print this help"},
};

static const char EXIT_CODES[] =
    "exit codes:\n"
    "  0  done\n"
    "  1  failed; also: the run ended, and not all of its items succeeded\n"
    "  2  wrong usage, invalid input, or not found\n"
    "  3  no valid token, or not allowed\n"
    "  4  another `slideway up` runs on the data folder\n"
    "  5  the port is taken\n"
    "  6  a folder cannot be written, or its disk is full\n"
    "  7  PostgreSQL is missing or does not start\n"
    "  8  `status` found something wrong with the platform\n"
    "  130  `run watch` was left with Ctrl-C; the run goes on\n";

static void print_overview(const Command *const *commands, size_t count, FILE *out)
{
    fprintf(out, "slideway " SLIDEWAY_VERSION ": a self-hosted platform for computational "
                 "pathology\n\nusage: slideway COMMAND [OPTION]...\n\n");
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "  %-18s %s\n", commands[i]->name, commands[i]->summary);
    }
    fprintf(out, "\n`slideway COMMAND --help` tells more about one.\n\n%s", EXIT_CODES);
}

static void print_help(const Command *command, FILE *out)
{
    fprintf(out, "usage: slideway %s %s%s[OPTION]...\n\n%s\n", command->name, command->operands,
            command->operands[0] == '\0' ? "" : " ", command->summary);
    if (command->details != NULL) {
        fprintf(out, "\n%s\n", command->details);
    }
    OptionSet own = {command->options, command->option_count, NULL};
    OptionSet common = {COMMON_OPTIONS, ARRAY_COUNT(COMMON_OPTIONS), NULL};
    if (command->option_count > 0) {
        fprintf(out, "\noptions:\n");
        options_print(&own, out);
    }
    fprintf(out, "\noptions of every command:\n");
    options_print(&common, out);
}

/* The command whose words the arguments begin with; *word_count_out of them. */
static const Command *
find_command(const Command *const *commands, size_t count, char **arguments, int *word_count_out)
{
    AUTO_FREE char *both =
        alloc_format("%s %s", arguments[0], arguments[1] == NULL ? "" : arguments[1]);
    for (size_t i = 0; i < count; i++) {
        const char *name = commands[i]->name;
        if (strcmp(name, arguments[0]) == 0 || strcmp(name, both) == 0) {
            *word_count_out = strcmp(name, both) == 0 ? 2 : 1;
            return commands[i];
        }
    }
    return NULL;
}

static ExitCode exit_code_of(const Cli *cli, const Error *error)
{
    if (cli->exit_code != EXIT_OK) {
        return cli->exit_code;
    }
    switch (error->code) {
    case ERROR_INVALID:
    case ERROR_NOT_FOUND:
        return EXIT_INVALID;
    case ERROR_UNAUTHORIZED:
    case ERROR_FORBIDDEN:
        return EXIT_REFUSED;
    case ERROR_NONE:
    case ERROR_CONFLICT:
    case ERROR_GONE:
    case ERROR_LIMIT:
    case ERROR_UNAVAILABLE:
    case ERROR_INTERNAL:
    case ERROR_CODE_COUNT:
        break;
    }
    return EXIT_FAILED;
}

static void print_error(const Cli *cli, const Error *error)
{
    if (!cli->json) {
        fprintf(stderr, "slideway: %s\n", error->message);
        if (error->cause[0] != '\0') {
            fprintf(stderr, "  %s\n", error->cause);
        }
        return;
    }
    AUTO_JSON *object =
        json_pack("{s:s, s:s}", "error", error_code_name(error->code), "message", error->message);
    AUTO_FREE char *text = document_to_string(object);
    fprintf(stderr, "%s\n", text);
}

static const char *first_of(const char *option, const char *setting)
{
    const char *value = option != NULL ? option : setting;
    return string_is_given(value) ? value : NULL;
}

/* The XDG Base Directory Specification: an own folder, else .config in the home folder. */
static char *config_folder(const CliSettings *settings)
{
    if (settings->config_home[0] == '/') {
        return alloc_string(settings->config_home);
    }
    return settings->home[0] == '/' ? alloc_format("%s/.config", settings->home) : NULL;
}

static void cli_fill(Cli *cli, const CommonOptions *common, const CliSettings *settings)
{
    cli->url = first_of(common->url, settings->url);
    cli->data = first_of(common->data, settings->data);
    cli->token = first_of(NULL, settings->token);
    cli->database = first_of(NULL, settings->database);
    cli->url_signing_key = first_of(NULL, settings->url_signing_key);
    cli->store = &settings->store;
    cli->as_user = first_of(common->as_user, NULL);
    cli->json = common->json;
}

static bool check_operands(const Command *command, const Operands *operands, Error *error)
{
    if (operands->count >= command->operands_min && operands->count <= command->operands_max) {
        return true;
    }
    return error_set(error, ERROR_INVALID, "usage: slideway %s %s; see `slideway %s --help`",
                     command->name, command->operands, command->name);
}

/* What is wrong on a command line is told as JSON too, though its options were not all read. */
static bool asks_for_json(char *const *arguments)
{
    while (*arguments != NULL && strcmp(*arguments, "--json") != 0) {
        arguments++;
    }
    return *arguments != NULL;
}

static bool run_command(const Command *command, char *const *arguments, Cli *cli, Error *error)
{
    AUTO_FREE void *values = alloc_zeroed(1, command->options_bytes + 1);
    if (command->defaults != NULL) {
        memcpy(values, command->defaults, command->options_bytes);
    }
    CommonOptions common = {0};
    const OptionSet sets[] = {
        {command->options, command->option_count, values},
        {COMMON_OPTIONS, ARRAY_COUNT(COMMON_OPTIONS), &common},
    };
    Operands operands = {0};
    bool parsed = options_parse(sets, ARRAY_COUNT(sets), arguments, &operands, error);
    AUTO_FREE char **owned = operands.values;
    cli->json = common.json;
    if (!parsed) {
        cli->json = asks_for_json(arguments);
        return false;
    }
    if (common.help) {
        print_help(command, stdout);
        return true;
    }
    if (!check_operands(command, &operands, error)) {
        return false;
    }
    CliSettings settings = {0};
    if (!settings_read(SETTINGS, ARRAY_COUNT(SETTINGS), &settings, error)) {
        return false;
    }
    AUTO_FREE char *config = config_folder(&settings);
    cli_fill(cli, &common, &settings);
    cli->config_folder = config;
    bool done = command->run(cli, values, &operands, error);
    settings_clear(SETTINGS, ARRAY_COUNT(SETTINGS), &settings);
    return done;
}

/* Those that begin with the same word are named: "user" alone is none, but "user add". */
static void
refuse_command(const Command *const *commands, size_t count, const char *word, Error *error)
{
    AUTO_BUFFER like;
    AUTO_FREE char *start = alloc_format("%s ", word);
    buffer_init(&like, ERROR_MESSAGE_BYTES);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(commands[i]->name, start, strlen(start)) == 0) {
            buffer_format(&like, "%s`%s`", like.length == 0 ? "there are " : ", ",
                          commands[i]->name);
        }
    }
    if (like.length == 0) {
        buffer_string(&like, "`slideway help` lists them");
    }
    error_set(error, ERROR_INVALID, "there is no command '%s'; %s", word, buffer_to_string(&like));
}

static bool is_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int command_main(const Command *const *commands, size_t count, char **arguments)
{
    if (arguments[0] == NULL) {
        print_overview(commands, count, stderr);
        return EXIT_INVALID;
    }
    if (strcmp(arguments[0], "--version") == 0) {
        printf("slideway " SLIDEWAY_VERSION "\n");
        return EXIT_OK;
    }
    bool asks_help = is_help(arguments[0]);
    if (asks_help && arguments[1] == NULL) {
        print_overview(commands, count, stdout);
        return EXIT_OK;
    }
    char **words = asks_help ? arguments + 1 : arguments;
    int word_count = 0;
    const Command *command = find_command(commands, count, words, &word_count);
    Cli cli = {.clock = &SYSTEM_CLOCK, .out = stdout};
    Error error = {0};
    if (command == NULL) {
        cli.json = asks_for_json(words);
        refuse_command(commands, count, words[0], &error);
        print_error(&cli, &error);
        return EXIT_INVALID;
    }
    if (asks_help) {
        print_help(command, stdout);
        return EXIT_OK;
    }
    if (!run_command(command, words + word_count, &cli, &error)) {
        print_error(&cli, &error);
        return (int)exit_code_of(&cli, &error);
    }
    return (int)cli.exit_code;
}
