/* SPDX-License-Identifier: Apache-2.0 */
/* JSONPath filters; see jsonpath.h. */
#include "runs/jsonpath.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"

#define PARAMETER "custom_metadata"
#define LOCATION "\"query\",\"" PARAMETER "\""

/* Deeper parentheses than PostgreSQL's own limit on its stack would be found there. */
enum { DEPTH_MAX = 256 };

/* What was seen of the predicate that is being read, at one depth of parentheses. */
typedef struct Level {
    bool compares;
    bool left_is_wild;
    bool is_wild; /* of the operand that is being read */
    bool any_wild;
} Level;

typedef struct Scan {
    Text rest;
    Level levels[DEPTH_MAX];
    int depth;
    int descents;      /* ".**" */
    char before;       /* the last byte that was no space */
    const char *fault; /* NULL: none */
} Scan;

/* The dollar. */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* What may be the first byte of a field's name: PostgreSQL takes any byte that is no operator. */
static bool is_field_start(char c)
{
    return !is_space(c) && strchr("?%$.[]{}()|&!=<>@#,*:-+/\\0123456789", c) == NULL;
}

static bool is_field_byte(char c)
{
    return is_field_start(c) || (c >= '0' && c <= '9');
}

static Text skip_space(Text text)
{
    while (text.length > 0 && is_space(text.bytes[0])) {
        text = text_from(text, 1);
    }
    return text;
}

/* The word at the front, and what stands behind it. */
static Text take_word(Text *rest)
{
    size_t length = 0;
    while (length < rest->length && is_field_byte(rest->bytes[length])) {
        length++;
    }
    Text word = {rest->bytes, length};
    *rest = skip_space(text_from(*rest, length));
    return word;
}

/* "strict" and "lax" in front of a path are its mode; in front of an accessor or alone, a field. */
static bool is_mode(Text word, Text rest)
{
    return (text_is(word, "strict") || text_is(word, "lax")) && rest.length > 0 &&
           (rest.bytes[0] == '$' || rest.bytes[0] == '(' || is_field_start(rest.bytes[0]));
}

static bool is_bare_field(Text path)
{
    Text rest = path;
    if (path.length == 0 || !is_field_start(path.bytes[0])) {
        return false;
    }
    Text word = take_word(&rest);
    return !(text_is(word, "exists") && text_starts_with(rest, "("));
}

static const char *with_dollar(Text path, Arena *arena)
{
    Text rest = path;
    Text word = take_word(&rest);
    bool has_mode = is_mode(word, rest);
    Text body = has_mode ? rest : path;
    return arena_format(arena, "%.*s%s%s%.*s", has_mode ? (int)word.length : 0, word.bytes,
                        has_mode ? " " : "", is_bare_field(body) ? "$." : "", TEXT_ARGUMENTS(body));
}

/* What is refused. */

static void end_predicate(Scan *scan)
{
    Level *level = &scan->levels[scan->depth];
    if (level->compares && level->left_is_wild && level->is_wild) {
        scan->fault = "A comparison of two wildcards is not supported: it takes too long";
    }
    level->compares = false;
    level->left_is_wild = false;
    level->is_wild = false;
}

static void open_level(Scan *scan)
{
    if (scan->depth + 1 == DEPTH_MAX) {
        scan->fault = "The expression is nested too deeply";
        return;
    }
    scan->levels[++scan->depth] = (Level){.compares = false};
}

static void close_level(Scan *scan)
{
    end_predicate(scan);
    if (scan->depth > 0) {
        bool any_wild = scan->levels[scan->depth--].any_wild;
        scan->levels[scan->depth].is_wild |= any_wild;
        scan->levels[scan->depth].any_wild |= any_wild;
    }
}

static void take_comparison(Scan *scan)
{
    Level *level = &scan->levels[scan->depth];
    if (!level->compares) {
        level->compares = true;
        level->left_is_wild = level->is_wild;
        level->is_wild = false;
    }
}

static void take_star(Scan *scan)
{
    Level *level = &scan->levels[scan->depth];
    bool is_descent = scan->before == '.' && scan->rest.length > 1 && scan->rest.bytes[1] == '*';
    if (is_descent && ++scan->descents > 1) {
        scan->fault = "More than one .** is not supported: it takes too much memory";
    }
    if (scan->before == '.' || scan->before == '[') {
        level->is_wild = true;
        level->any_wild = true;
    }
}

/* Bytes of the string or the comment at the front; 0: there is none. */
static size_t opaque_length(Text rest)
{
    size_t i = 1;
    if (rest.bytes[0] == '"') {
        while (i < rest.length && rest.bytes[i] != '"') {
            i += rest.bytes[i] == '\\' ? 2 : 1;
        }
        return i + 1;
    }
    if (text_starts_with(rest, "/*")) {
        for (i = 2; i < rest.length && !text_starts_with(text_from(rest, i), "*/");) {
            i++;
        }
        return i + 2;
    }
    return 0;
}

static void take_byte(Scan *scan, char c)
{
    switch (c) {
    case '(':
    case '[':
    case '{':
        open_level(scan);
        break;
    case ')':
    case ']':
    case '}':
        close_level(scan);
        break;
    case '&':
    case '|':
    case ',':
        end_predicate(scan);
        break;
    case '=':
    case '<':
    case '>':
        take_comparison(scan);
        break;
    case '*':
        take_star(scan);
        break;
    default:
        break;
    }
}

/* Why the path is refused; NULL: it is not. Paths that are not well-formed are PostgreSQL's to
 * refuse, so this reads them as it finds them. */
static const char *fault_of(const char *path)
{
    Scan scan = {.rest = text_of(path)};
    while (scan.rest.length > 0 && scan.fault == NULL) {
        size_t opaque = opaque_length(scan.rest);
        char c = scan.rest.bytes[0];
        if (opaque == 0) {
            take_byte(&scan, c);
        }
        bool is_comment = opaque > 0 && c == '/';
        scan.before = is_space(c) || is_comment ? scan.before : c;
        scan.rest = text_from(scan.rest, opaque == 0 ? 1 : opaque);
    }
    while (scan.fault == NULL && scan.depth > 0) {
        close_level(&scan);
    }
    if (scan.fault == NULL) {
        end_predicate(&scan);
    }
    return scan.fault;
}

static size_t character_count(Text text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++) {
        count += ((unsigned char)text.bytes[i] & 0xC0) != 0x80 ? 1 : 0;
    }
    return count;
}

static Text given_path(const Request *request)
{
    Text path = text_trim(request_query(request, PARAMETER));
    return text_is(path, "$") ? TEXT("") : path;
}

const char *jsonpath_of(Request *request, Problems *problems)
{
    Text given = given_path(request);
    if (given.length == 0) {
        return NULL;
    }
    if (character_count(given) > JSONPATH_CHARACTERS_MAX) {
        problems_add(problems, "string_too_long", LOCATION,
                     "String should have at most 1000 characters", NULL);
        return NULL;
    }
    const char *path = with_dollar(given, &request->arena);
    const char *fault = fault_of(path);
    if (fault != NULL) {
        problems_add(problems, "value_error", LOCATION, fault, NULL);
        return NULL;
    }
    return path;
}

bool search_refuse(Request *request, const char *sqlstate, const char *message, Response *response)
{
    /* What a JSONPath can cause: syntax, unknown variables, what PostgreSQL does not support, too
     * much nesting, its time limit, and bad values of any kind. */
    static const char *const STATES[] = {"42601", "42704", "0A000", "54", "57014", "22"};
    if (given_path(request).length == 0) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_COUNT(STATES); i++) {
        if (strncmp(sqlstate, STATES[i], strlen(STATES[i])) != 0) {
            continue;
        }
        bool late = strcmp(sqlstate, "57014") == 0;
        Problems problems;
        problems_init(&problems, &request->arena);
        problems_add(&problems, "value_error", LOCATION,
                     late ? "The JSONPath expression takes too long" : message, NULL);
        response_problems(response, 422, &problems);
        return true;
    }
    return false;
}
