/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a check says: path, type, message and context of each problem, written by hand. Which values
 * a schema accepts is the subject of test_schema_suite.c.
 */
#include "schema_fixture.h"

#define SLIDE                                                                                      \
    "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"type\":\"object\","                \
    "\"additionalProperties\":false,\"required\":[\"checksum\",\"specimen\"],\"properties\":{"     \
    "\"checksum\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9+/]{6}==$\"},"                     \
    "\"width_px\":{\"type\":[\"integer\",\"null\"],\"minimum\":1},"                                \
    "\"resolution_mpp\":{\"anyOf\":[{\"type\":\"number\",\"minimum\":0.08,\"maximum\":0.55},"      \
    "{\"type\":\"null\"}]},"                                                                       \
    "\"staining_method\":{\"const\":\"H&E\",\"enum\":[\"H&E\"]},"                                  \
    "\"specimen\":{\"anyOf\":[{\"$ref\":\"#/$defs/Lung\"},{\"$ref\":\"#/$defs/Breast\"}]}},"       \
    "\"$defs\":{\"Lung\":{\"type\":\"object\",\"additionalProperties\":false,"                     \
    "\"required\":[\"disease\",\"tissue\"],\"properties\":{\"disease\":{\"const\":\"LUNG\"},"      \
    "\"tissue\":{\"enum\":[\"LUNG\",\"LIVER\"]}}},"                                                \
    "\"Breast\":{\"type\":\"object\",\"additionalProperties\":false,"                              \
    "\"required\":[\"disease\",\"tissue\"],\"properties\":{\"disease\":{\"const\":\"BREAST\"},"    \
    "\"tissue\":{\"enum\":[\"BREAST\",\"BONE\"]}}}}}"

#define GOOD "\"checksum\":\"AAAAAA==\",\"specimen\":{\"disease\":\"LUNG\",\"tissue\":\"LIVER\"}"

static void a_good_slide_has_no_problem(void **state)
{
    (void)state;
    assert_problems(SLIDE, "{" GOOD "}", "");
    assert_problems(SLIDE,
                    "{" GOOD ",\"width_px\":12.0,\"resolution_mpp\":null,"
                    "\"staining_method\":\"H&E\"}",
                    "");
}

static void all_problems_of_a_slide_are_told_at_once(void **state)
{
    (void)state;
    assert_problems(
        SLIDE,
        "{\"checksum\":\"AAAA\",\"width_px\":0,\"resolution_mpp\":0.6,\"staining_method\":\"IHC\","
        "\"colour\":1}",
        "/checksum string_pattern_mismatch: String should match the pattern "
        "'^[A-Za-z0-9+/]{6}==$' {\"pattern\":\"^[A-Za-z0-9+/]{6}==$\"}\n"
        "/width_px greater_than_equal: Input should be greater than or equal to 1 {\"ge\":1}\n"
        "/resolution_mpp less_than_equal: Input should be less than or equal to 0.55 "
        "{\"le\":0.55}\n"
        "/staining_method literal_error: Input should be 'H&E' {\"expected\":\"'H&E'\"}\n"
        "/colour extra_forbidden: Extra inputs are not permitted\n"
        "/specimen missing: Field required\n");
}

static void the_branch_with_the_value_s_tag_is_told(void **state)
{
    (void)state;
    assert_problems(SLIDE,
                    "{\"checksum\":\"AAAAAA==\",\"specimen\":{\"disease\":\"BREAST\","
                    "\"tissue\":\"LIVER\"}}",
                    "/specimen/tissue enum: Input should be 'BREAST' or 'BONE' "
                    "{\"expected\":\"'BREAST' or 'BONE'\"}\n");
    assert_problems(SLIDE,
                    "{\"checksum\":\"AAAAAA==\",\"specimen\":{\"disease\":\"LUNG\",\"side\":1}}",
                    "/specimen/side extra_forbidden: Extra inputs are not permitted\n"
                    "/specimen/tissue missing: Field required\n");
}

static void an_unknown_or_missing_tag_is_told_by_itself(void **state)
{
    (void)state;
    assert_problems(SLIDE,
                    "{\"checksum\":\"AAAAAA==\",\"specimen\":{\"disease\":\"FLU\","
                    "\"tissue\":\"LIVER\"}}",
                    "/specimen/disease literal_error: Input should be 'LUNG' or 'BREAST' "
                    "{\"expected\":\"'LUNG' or 'BREAST'\"}\n");
    assert_problems(SLIDE, "{\"checksum\":\"AAAAAA==\",\"specimen\":{\"tissue\":\"LIVER\"}}",
                    "/specimen/disease missing: Field required\n");
    assert_problems(SLIDE, "{\"checksum\":\"AAAAAA==\",\"specimen\":[]}",
                    "/specimen dict_type: Input should be a valid object\n");
}

static void a_union_without_a_tag_tells_its_closest_branch(void **state)
{
    (void)state;
    static const char UNION[] =
        "{\"anyOf\":[{\"type\":\"object\",\"required\":[\"a\",\"b\"]},"
        "{\"type\":\"object\",\"required\":[\"c\"],\"properties\":{\"c\":{\"type\":\"array\","
        "\"items\":{\"type\":\"integer\"}}}},{\"type\":\"null\"}]}";
    assert_problems(UNION, "{\"c\":[1,2.5]}",
                    "/c/1 int_from_float: Input should be a valid integer, not a number with a "
                    "fraction\n");
    assert_problems(UNION, "\"text\"", " dict_type: Input should be a valid object or null\n");
    assert_problems("{\"oneOf\":[{\"minimum\":1},{\"type\":\"string\"},{\"minimum\":2}]}", "3",
                    " one_of: Input should be of exactly one of the allowed forms, but is of "
                    "numbers 1 and 3\n");
}

static void numbers(void **state)
{
    (void)state;
    static const char NUMBERS[] =
        "{\"properties\":{\"a\":{\"exclusiveMinimum\":0},\"b\":{\"exclusiveMaximum\":1e3},"
        "\"c\":{\"multipleOf\":0.01},\"d\":{\"maximum\":9007199254740993}}}";
    assert_problems(NUMBERS, "{\"a\":0.001,\"b\":999.999,\"c\":19.99,\"d\":9007199254740993}", "");
    assert_problems(NUMBERS, "{\"a\":0,\"b\":1000,\"c\":0.005,\"d\":9007199254740994}",
                    "/a greater_than: Input should be greater than 0 {\"gt\":0}\n"
                    "/b less_than: Input should be less than 1000 {\"lt\":1000}\n"
                    "/c multiple_of: Input should be a multiple of 0.01 {\"multiple_of\":0.01}\n"
                    "/d less_than_equal: Input should be less than or equal to 9007199254740993 "
                    "{\"le\":9007199254740993}\n");
}

static void sizes(void **state)
{
    (void)state;
    static const char SIZES[] =
        "{\"properties\":{\"s\":{\"minLength\":2,\"maxLength\":3},\"a\":{\"minItems\":1,"
        "\"maxItems\":2,\"uniqueItems\":true},\"o\":{\"minProperties\":2,\"maxProperties\":2}}}";
    assert_problems(SIZES,
                    "{\"s\":\"\xc3\xa4\xc3\xb6\xc3\xbc\",\"a\":[1,true],"
                    "\"o\":{\"x\":1,\"y\":1}}",
                    "");
    assert_problems(SIZES, "{\"s\":\"\xc3\xa4\",\"a\":[],\"o\":{}}",
                    "/s string_too_short: String should have at least 2 characters, not 1 "
                    "{\"min_length\":2}\n"
                    "/a too_short: Array should have at least 1 item, not 0 {\"min_length\":1}\n"
                    "/o too_short: Object should have at least 2 members, not 0 "
                    "{\"min_length\":2}\n");
    assert_problems(SIZES,
                    "{\"s\":\"four\",\"a\":[{\"a\":1,\"b\":2},7,{\"b\":2.0,\"a\":1}],"
                    "\"o\":{\"x\":1,\"y\":1,\"z\":1}}",
                    "/s string_too_long: String should have at most 3 characters, not 4 "
                    "{\"max_length\":3}\n"
                    "/a too_long: Array should have at most 2 items, not 3 {\"max_length\":2}\n"
                    "/a unique_items: Array should have no two equal items, but 0 and 2 are\n"
                    "/o too_long: Object should have at most 2 members, not 3 "
                    "{\"max_length\":2}\n");
}

static void types(void **state)
{
    (void)state;
    static const char TYPES[] =
        "{\"items\":[{\"type\":\"string\"},{\"type\":\"boolean\"},{\"type\":\"array\"},"
        "{\"type\":\"null\"},{\"type\":[\"null\",\"number\",\"string\"]}],"
        "\"additionalItems\":false}";
    assert_problems(TYPES, "[\"\",true,[],null,1.5]", "");
    assert_problems(TYPES, "[1,1,1,1,false,0]",
                    "/0 string_type: Input should be a valid string\n"
                    "/1 bool_type: Input should be a valid boolean\n"
                    "/2 list_type: Input should be a valid array\n"
                    "/3 none_required: Input should be null\n"
                    "/4 string_type: Input should be a valid string, number or null\n"
                    "/5 extra_forbidden: Extra inputs are not permitted\n");
}

static void members(void **state)
{
    (void)state;
    static const char MEMBERS[] =
        "{\"propertyNames\":{\"maxLength\":4},\"patternProperties\":{\"^n_\":{\"type\":"
        "\"integer\"}},\"additionalProperties\":{\"type\":\"string\"},"
        "\"dependencies\":{\"a\":[\"b\"],\"c\":{\"required\":[\"d\"]}}}";
    assert_problems(MEMBERS, "{\"n_1\":1,\"a\":\"\",\"b\":\"\"}", "");
    assert_problems(MEMBERS, "{\"n_1\":\"x\",\"o\":1,\"a\":\"\",\"c\":\"\",\"hello\":\"\"}",
                    "/n_1 int_type: Input should be a valid integer\n"
                    "/o string_type: Input should be a valid string\n"
                    "/hello/[key] string_too_long: String should have at most 4 characters, not 5 "
                    "{\"max_length\":4}\n"
                    "/b missing: Field required beside 'a'\n"
                    "/d missing: Field required\n");
}

static void forms(void **state)
{
    (void)state;
    assert_problems("{\"not\":{\"type\":\"null\"}}", "null",
                    " not_allowed: Input is of a form that is not allowed\n");
    assert_problems("{\"properties\":{\"a\":false}}", "{\"a\":1}",
                    "/a not_allowed: No input is allowed here\n");
    assert_problems("{\"contains\":{\"const\":1}}", "[0,2]",
                    " contains: Array should have an item of the form that is asked for, but none "
                    "is\n");
    assert_problems("{\"if\":{\"required\":[\"a\"]},\"then\":{\"required\":[\"b\"]},"
                    "\"else\":{\"required\":[\"c\"]}}",
                    "{\"a\":1}", "/b missing: Field required\n");
    assert_problems("{\"enum\":[null,1.50,[1],{\"a\":2}]}", "\"a\"",
                    " enum: Input should be null, 1.5, [1] or {\"a\":2} "
                    "{\"expected\":\"null, 1.5, [1] or {\\\"a\\\":2}\"}\n");
}

static void format_and_content_are_annotations(void **state)
{
    (void)state;
    assert_problems("{\"format\":\"date-time\",\"contentEncoding\":\"base64\","
                    "\"contentMediaType\":\"application/json\"}",
                    "\"no date, no base64, no JSON\"", "");
}

static void a_problem_knows_the_value_that_it_is_about(void **state)
{
    (void)state;
    AUTO_SCHEMA *schema =
        schema_of("{\"required\":[\"b\"],\"properties\":{\"a\":{\"maximum\":1}}}");
    AUTO_JSON *value = json_of("{\"a\":5}");
    AUTO_ARENA arena;
    arena_init(&arena);
    AUTO_FREE SchemaProblems *problems = ALLOC_NEW(SchemaProblems);
    schema_problems_init(problems, &arena, SCHEMA_STEPS_MAX);
    assert_false(schema_check(schema, value, problems));
    assert_int_equal(problems->count, 2);
    assert_ptr_equal(problems->items[0].value, json_object_get(value, "a"));
    assert_null(problems->items[1].value);
}

/* Patterns are those of JavaScript. */
static void patterns_speak_the_dialect_of_the_draft(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *text;
        bool matches;
    } CASES[] = {
        {"a$", "a\\n", false},
        {"^\\\\d$", "\xd9\xa1", false}, /* a digit, but not of ASCII */
        {"^\\\\u00e4$", "\xc3\xa4", true},
        {"^.$", "\xf0\x9f\x98\x80", true},
        {"^[^]$", "x", true},
        {"b", "abc", true}, /* not anchored */
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        AUTO_FREE char *schema_text = alloc_format("{\"pattern\":\"%s\"}", CASES[i].pattern);
        AUTO_FREE char *value_text = alloc_format("\"%s\"", CASES[i].text);
        AUTO_SCHEMA *schema = schema_of(schema_text);
        AUTO_JSON *value = json_of(value_text);
        AUTO_BUFFER out;
        buffer_init(&out, 10000);
        check_text(schema, value, &out);
        assert_int_equal(out.length == 0, CASES[i].matches);
    }
}

static void names_and_pointers_lead_to_schemas(void **state)
{
    (void)state;
    assert_problems(
        "{\"items\":{\"$ref\":\"#natural\"},\"definitions\":{\"n\":{\"$id\":\"#natural\","
        "\"minimum\":0}}}",
        "[1,-1]",
        "/1 greater_than_equal: Input should be greater than or equal to 0 "
        "{\"ge\":0}\n");
    /* Through a keyword that draft-07 does not know. */
    assert_problems("{\"$ref\":\"#/$defs/a~1b/0\",\"$defs\":{\"a/b\":[{\"type\":\"null\"}]}}", "1",
                    " none_required: Input should be null\n");
    assert_problems("{\"$id\":\"http://example.org/a/b.json\",\"items\":{\"$ref\":\"../c?d\"},"
                    "\"definitions\":{\"c\":{\"$id\":\"http://example.org/c?d\",\"minimum\":2}}}",
                    "[1]",
                    "/0 greater_than_equal: Input should be greater than or equal to 2 "
                    "{\"ge\":2}\n");
    assert_problems("{\"$ref\":\"http://json-schema.org/draft-07/schema#\"}",
                    "{\"properties\":{\"a\":{\"minLength\":-1}}}",
                    "/properties/a/minLength greater_than_equal: Input should be greater than or "
                    "equal to 0 {\"ge\":0}\n");
}

static void bad_schemas_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *schema;
        const char *message;
    } CASES[] = {
        {"[]", "a schema is an object, true or false"},
        {"{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\"}",
         "$schema is 'https://json-schema.org/draft/2020-12/schema', but only draft-07 is read: "
         "http://json-schema.org/draft-07/schema#"},
        {"{\"items\":{\"$schema\":\"http://json-schema.org/draft-04/schema#\"}}",
         "/items: $schema is 'http://json-schema.org/draft-04/schema#', but only draft-07 is read: "
         "http://json-schema.org/draft-07/schema#"},
        {"{\"properties\":{\"a\":{\"minimum\":\"1\"}}}",
         "/properties/a/minimum: Input should be a valid number"},
        {"{\"type\":\"int\"}",
         "/type: Input should be 'null', 'boolean', 'object', 'array', 'number', 'integer' or "
         "'string'"},
        {"{\"items\":5}", "/items: Input should be a valid boolean or object"},
        {"{\"required\":\"a\"}", "/required: Input should be a valid array"},
        {"{\"properties\":{\"a\":{\"pattern\":\"(\"}}}",
         "/properties/a: pattern: '(': no regular expression: missing closing parenthesis at "
         "offset 1"},
        {"{\"patternProperties\":{\"[\":{}}}",
         "patternProperties: '[': no regular expression: missing terminating ] for character "
         "class at offset 1"},
        {"{\"items\":{\"$ref\":\"http://example.org/s.json\"}}",
         "/items: $ref: 'http://example.org/s.json' is not in this document, and nothing is "
         "fetched"},
        {"{\"items\":{\"$ref\":\"#/definitions/x\"}}",
         "/items: $ref: there is no schema at '/definitions/x'"},
        {"{\"$ref\":\"#/title\",\"title\":\"t\"}", "$ref: there is no schema at '/title'"},
        {"{\"$ref\":\"#name\"}", "$ref: no schema has the $id '#name'"},
        {"{\"definitions\":{\"a\":{\"$id\":\"x\"},\"b\":{\"$id\":\"x\"}}}",
         "/definitions/b: two schemas have the $id 'x'"},
        {"{\"$defs\":{\"a\":{\"maxLength\":\"1\"}},\"$ref\":\"#/$defs/a\"}",
         "$ref: /$defs/a: /maxLength: Input should be a valid integer"},
        {"{\"$ref\":\"#\"}", "the schema refers to itself for the same value"},
        {"{\"properties\":{\"a\":{\"anyOf\":[{\"not\":{\"$ref\":\"#/properties/a\"}}]}}}",
         "/properties/a: the schema refers to itself for the same value"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        AUTO_JSON *json = json_of(CASES[i].schema);
        Schema *schema = NULL;
        Error error = {0};
        assert_false(schema_compile(json, NULL, &schema, &error));
        assert_int_equal(error.code, ERROR_INVALID);
        assert_string_equal(error.message, CASES[i].message);
    }
}

static void a_schema_names_its_own_properties(void **state)
{
    (void)state;
    AUTO_SCHEMA *schema = schema_of("{\"$ref\":\"#/definitions/s\",\"definitions\":{\"s\":"
                                    "{\"properties\":{\"media-type\":{},\"a\":false}}}}");
    assert_true(schema_has_property(schema, "media-type"));
    assert_true(schema_has_property(schema, "a"));
    assert_false(schema_has_property(schema, "media_type"));
    AUTO_SCHEMA *any = schema_of("true");
    assert_false(schema_has_property(any, "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_slide_has_no_problem),
        cmocka_unit_test(all_problems_of_a_slide_are_told_at_once),
        cmocka_unit_test(the_branch_with_the_value_s_tag_is_told),
        cmocka_unit_test(an_unknown_or_missing_tag_is_told_by_itself),
        cmocka_unit_test(a_union_without_a_tag_tells_its_closest_branch),
        cmocka_unit_test(numbers),
        cmocka_unit_test(sizes),
        cmocka_unit_test(types),
        cmocka_unit_test(members),
        cmocka_unit_test(forms),
        cmocka_unit_test(format_and_content_are_annotations),
        cmocka_unit_test(a_problem_knows_the_value_that_it_is_about),
        cmocka_unit_test(patterns_speak_the_dialect_of_the_draft),
        cmocka_unit_test(names_and_pointers_lead_to_schemas),
        cmocka_unit_test(bad_schemas_are_refused_with_their_place),
        cmocka_unit_test(a_schema_names_its_own_properties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
