/* SPDX-License-Identifier: MIT */
/* Schemas of several parts: what they say is taken together, and what one says depends on another.
 */
#include "form_texts.h"

/* Keywords that are taken together, and those of which a part can be said by an automaton. */
static const form_case merged[] = {
    {"json-schema:{\"allOf\":[{\"type\":\"string\",\"not\":{\"const\":\"a\"}},{\"type\":["
     "\"string\",\"null\"]},{"
     "\"maxLength\":1}]}",
     {"\"\"", "\"b\""},
     {"\"a\"", "null", "\"bc\""}},
    {"json-schema:{\"not\":{\"type\":\"integer\"},\"type\":[\"string\",\"null\"]}",
     {"null", "\"\""},
     {"1"}},
    {"json-schema:{\"allOf\":[{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}},"
     "\"required\":[\"a\"]},{\"properties\":{\"b\":{\"const\":1},\"a\":{\"minimum\":5,\"maximum\":"
     "7}},\"required\":[\"b\"]}]}",
     {"{\"a\":5,\"b\":1}", "{\"a\": 7, \"b\": 1}"},
     {"{\"a\":4,\"b\":1}", "{\"a\":5}", "{\"b\":1}", "{\"a\":5,\"b\":1,\"c\":2}"}},
    {"json-schema:{\"$ref\":\"#/$defs/"
     "a\",\"required\":[\"x\"],\"$defs\":{\"a\":{\"properties\":{\"x\":{\"const\":1},\"y\":{"
     "\"const\":2}}}}}",
     {"{\"x\":1}", "{\"x\":1,\"y\":2}"},
     {"{}", "{\"y\":2}"}},
    {"json-schema:{\"allOf\":[{\"properties\":{\"a\":{\"const\":1}},\"additionalProperties\":false}"
     ",{\"properties\":{\"b\":{\"const\":1}}}]}",
     {"{}", "{\"a\":1}"},
     {"{\"b\":1}", "{\"a\":1,\"b\":1}"}},
    {"json-schema:{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1},\"b\":{\"const\":2}},"
     "\"anyOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}",
     {"{\"a\":1}", "{\"b\":2}", "{\"a\":1,\"b\":2}"},
     {"{}"}},
    {"json-schema:{\"type\":\"string\",\"anyOf\":[{\"const\":\"\"},{\"format\":\"date\"},{\"type\":"
     "\"integer\"}]}",
     {"\"\"", "\"2026-11-26\""},
     {"\"a\"", "3"}},
    {"json-schema:{\"enum\":[\"a\",\"bb\",\"ccc\",3,12],\"minLength\":2,\"maximum\":5}",
     {"\"bb\"", "\"ccc\"", "3"},
     {"\"a\"", "12"}},
    {"json-schema:{\"allOf\":[{\"enum\":[1,2,3]},{\"enum\":[2,3,4]},{\"not\":{\"const\":3}}]}",
     {"2"},
     {"1", "3", "4"}},
    {"json-schema:{\"allOf\":[{\"type\":[\"integer\",\"null\"]},{\"type\":[\"number\",\"string\"]},"
     "{\"minimum\":3},{\"maximum\":4}]}",
     {"3", "4"},
     {"null", "2", "5", "3.5"}},
    {"json-schema:{\"allOf\":[{\"items\":{\"minimum\":1}},{\"items\":{\"type\":\"integer\","
     "\"maximum\":2},\"maxItems\":2},{\"prefixItems\":[{\"const\":2}]}]}",
     {"[]", "[2]", "[2,1]"},
     {"[1]", "[2,3]", "[2,1,1]"}},
    {"json-schema:{\"$defs\":{\"n\":{\"allOf\":[{\"properties\":{\"v\":{\"const\":1}},\"required\":"
     "[\"v\"]},{\"properties\":{\"next\":{\"$ref\":\"#/$defs/n\"}}}]}},\"$ref\":\"#/$defs/"
     "n\",\"minProperties\":1}",
     {"{\"v\":1}", "{\"v\":1,\"next\":{\"v\":1,\"next\":{\"v\":1}}}"},
     {"{}", "{\"v\":1,\"next\":{}}"}},
    {"json-schema:{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1}},"
     "\"required\":[\"a\"]},{\"type\":\"object\",\"properties\":{\"b\":{\"const\":1}},"
     "\"additionalProperties\":false}]}",
     {"{\"a\":1}", "{\"b\":1}", "{}"},
     {"{\"a\":1,\"b\":1}"}},
    {"json-schema:{\"type\":\"object\",\"properties\":{\"a\":{\"not\":{}},\"b\":{\"not\":{\"type\":"
     "[\"object\",\"array\",\"number\",\"null\"]}}}}",
     {"{}", "{\"b\":true}", "{\"b\":\"x\"}"},
     {"{\"a\":1}", "{\"b\":1}", "{\"b\":null}"}},
    {"json-schema:{\"type\":\"string\",\"not\":{\"enum\":[\"ab\",\"\\u00e9\"]},\"maxLength\":2}",
     {"\"\"", "\"a\"", "\"ba\"", "\"\u00e8\""},
     {"\"ab\"", "\"\u00e9\"", "\"\\u00e9\"", "\"abc\""}},
    {"json-schema:{\"properties\":{\"a\":{\"const\":1},\"b\":{\"const\":1}},\"not\":{\"required\":["
     "\"b\"]}}",
     {"{\"a\":1}"},
     {"{\"b\":1}"}},
    {"json-schema:{\"type\":\"string\",\"pattern\":\"^[a-z]+$\",\"minLength\":2,\"maxLength\":3}",
     {"\"ab\"", "\"abc\""},
     {"\"a\"", "\"abcd\"", "\"A1\""}},
    {"json-schema:{\"type\":\"string\",\"pattern\":\"^(?=.*\\\\d)(?=.*[A-Z])(?!.*bad).{4,8}$\"}",
     {"\"aB3c\"", "\"1Abcdefg\""},
     {"\"abcd\"", "\"ABCD\"", "\"aB3\"", "\"bad3A\""}},
    {"json-schema:{\"type\":\"string\",\"format\":\"uuid\",\"pattern\":\"^([0-9a-fA-F]{8}-[0-9a-fA-"
     "F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12})$\"}",
     {"\"123e4567-e89b-12d3-a456-426614174000\""},
     {"\"123e4567-e89b-92d3-a456-426614174000\""}},
    {"json-schema:{\"type\":\"string\",\"format\":\"ends_with\",\"allOf\":[{\"pattern\":\"^ab.*\"},"
     "{\"pattern\":\".*z$\"}]}",
     {"\"abz\"", "\"ab and z\""},
     {"\"ab\"", "\"z\"", "\"abzy\""}},
    {"json-schema:{\"type\":\"string\",\"format\":\"nanoid\",\"pattern\":\"^[a-c]{3}$\"}",
     {"\"abc\""},
     {"\"abd\""}},
    {"json-schema:{\"type\":\"string\",\"format\":\"password\",\"minLength\":2}",
     {"\"ab\""},
     {"\"a\""}},
    {"json-schema:{\"type\":\"string\",\"format\":\"uri\"}",
     {"\"https://a.de/b/c\"", "\"http://localhost:80\""},
     {"\"a.de\"", "\"ftp://a\""}},
    {"json-schema:{\"type\":\"string\",\"format\":\"duration\"}",
     {"\"P3D\"", "\"PT4H5M\"", "\"P1DT10S\""},
     {"\"P\"", "\"PT\"", "\"3D\""}},
    {"json-schema:{\"type\":\"integer\",\"minimum\":-9007199254740991,\"maximum\":"
     "9007199254740991}",
     {"0", "-5", "123456789012345"},
     {"1.0", "-0"}},
    /* what a keyword says of objects alone leaves the others as they are */
    {"json-schema:{\"type\":[\"object\",\"null\"],\"not\":{\"required\":[\"a\"]}}",
     {"{}"},
     {"null", "{\"a\":1}"}},
    {"json-schema:{\"type\":[\"object\",\"string\"],\"oneOf\":[{\"properties\":{\"a\":{\"const\":1}"
     "},\"required\":["
     "\"a\"]},{\"properties\":{\"a\":{\"const\":2}},\"required\":[\"a\"]}]}",
     {"{\"a\":1}", "{\"a\":2}"},
     {"\"F\""}},
    {"json-schema:{\"allOf\":[{\"type\":\"object\",\"additionalProperties\":false},{"
     "\"patternProperties\":{\"^b\":{"
     "\"type\":\"integer\"}}}]}",
     {"{}"},
     {"{\"bh\":7}"}},
    {"json-schema:{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},\"allOf\":[{"
     "\"patternProperties\":"
     "{\"^x-\":{}}}]}",
     {"{}", "{\"x-a\":\"b\"}"},
     {"{\"x-a\":1}"}},
    {"json-schema:{\"enum\":[[1],[2]],\"not\":{\"const\":[1.0]}}", {"[2]"}, {"[1]"}},
    /* what is left out is left out of all characters */
    {"json-schema:{\"type\":\"string\",\"not\":{\"pattern\":\"[^\\\\d]\"}}",
     {"\"12\""},
     {"\"\xC3\xA9\"", "\"a\""}},
    {"json-schema:{\"type\":\"string\",\"not\":{\"pattern\":\"\\\\s\"}}",
     {"\"ab\""},
     {"\"\xC2\xA0\"", "\"a b\""}},
    {"regex:\\ud83d\\ude00[\\ud83d\\ude01]",
     {"\xF0\x9F\x98\x80\xF0\x9F\x98\x81"},
     {"\xF0\x9F\x98\x80"}},
    {"json-schema:{\"type\":\"integer\",\"multipleOf\":7}",
     {"0", "7", "-14", "49", "700", "123456789012340"},
     {"1", "8", "-0", "10", "123456789012342"}},
    {"json-schema:{\"type\":\"integer\",\"multipleOf\":1000,\"minimum\":1}",
     {"1000", "25000"},
     {"0", "100", "1001"}},
    {"json-schema:{\"type\":\"integer\",\"multipleOf\":3,\"minimum\":-4,\"maximum\":101}",
     {"-3", "0", "3", "99"},
     {"-6", "1", "102", "100"}},
    {"json-schema:{\"type\":\"number\",\"multipleOf\":0.01}",
     {"0", "1", "-0.5", "12.34", "3.1"},
     {"0.001", "1.234", "-0"}},
    {"json-schema:{\"type\":\"number\",\"multipleOf\":2.5,\"minimum\":1,\"exclusiveMaximum\":10}",
     {"2.5", "5", "5.0", "7.5"},
     {"2", "10", "0", "2.50", "1"}},
    {"json-schema:{\"type\":\"integer\",\"multipleOf\":0.5}", {"0", "1", "7"}, {"0.5"}},
    {"json-schema:{\"allOf\":[{\"type\":\"integer\",\"multipleOf\":4},{\"multipleOf\":6}]}",
     {"0", "12", "24"},
     {"4", "6", "8"}},
    {"json-schema:{\"type\":\"array\",\"items\":{\"enum\":[\"a\",\"b\",\"c\"]},\"uniqueItems\":"
     "true,\"minItems\":1}",
     {"[\"a\"]", "[\"c\",\"a\"]", "[\"b\",\"c\",\"a\"]"},
     {"[]", "[\"a\",\"a\"]", "[\"a\",\"b\",\"a\"]"}},
    {"json-schema:{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":12}"
     ",\"uniqueItems\":true,\"minItems\":2,\"maxItems\":3}",
     {"[1,2]", "[3,11,12]"},
     {"[1]", "[1,1]", "[1,2,3,4]", "[12,13]"}},
    {"json-schema:{\"type\":\"array\",\"items\":{\"type\":\"boolean\"},\"uniqueItems\":true}",
     {"[]", "[true]", "[false,true]"},
     {"[true,true]"}},
    {"json-schema:{\"type\":\"array\",\"items\":[{\"const\":1},{\"const\":2}],\"additionalItems\":"
     "false}",
     {"[1]", "[1,2]"},
     {"[2]", "[1,2,3]"}},
    {"json-schema:{\"type\":\"object\",\"propertyNames\":{\"type\":\"string\"},"
     "\"additionalProperties\":{\"type\":\"integer\"}}",
     {"{}", "{\"a\":1}", "{\"any thing\":2,\"b\":3}"},
     {"{\"a\":\"b\"}"}},
    {"json-schema:{\"type\":\"object\",\"propertyNames\":{\"type\":\"string\",\"enum\":[\"a\","
     "\"b\"]},\"additionalProperties\":{\"const\":1},\"required\":[\"a\"]}",
     {"{\"a\":1}", "{\"a\":1,\"b\":1}"},
     {"{}", "{\"b\":1}", "{\"a\":1,\"c\":1}"}},
    {"json-schema:{\"type\":\"object\",\"propertyNames\":{\"pattern\":\"^[a-z]{2}$\"},"
     "\"additionalProperties\":{\"const\":1},\"properties\":{\"de\":{\"const\":2},\"ABC\":{"
     "\"const\":3}}}",
     {"{}", "{\"de\":2}", "{\"en\":1,\"fr\":1}", "{\"de\":2,\"en\":1}"},
     {"{\"de\":1}", "{\"eng\":1}", "{\"ABC\":3}", "{\"ABC\":1}"}},
    {"json-schema:{\"type\":\"object\",\"patternProperties\":{\"^x-\":{\"const\":1},\"^y\":{"
     "\"type\":\"boolean\"}},\"properties\":{\"a\":{\"const\":0},\"x-a\":{\"type\":\"integer\"}},"
     "\"additionalProperties\":false}",
     {"{}", "{\"a\":0}", "{\"x-a\":1}", "{\"a\":0,\"x-b\":1,\"yes\":true}"},
     {"{\"x-a\":2}", "{\"x-b\":2}", "{\"z\":1}", "{\"yes\":1}"}},
    {"json-schema:{\"type\":\"object\",\"additionalProperties\":{\"const\":1},\"minProperties\":1,"
     "\"maxProperties\":2}",
     {"{\"a\":1}", "{\"a\":1,\"b\":1}"},
     {"{}", "{\"a\":1,\"b\":1,\"c\":1}"}},
    {"json-schema:{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1},\"b\":{\"const\":1}},"
     "\"minProperties\":1,\"unevaluatedProperties\":false}",
     {"{\"a\":1}", "{\"b\":1}", "{\"a\":1,\"b\":1}"},
     {"{}", "{\"c\":1}"}},
};

/* One thing or another: conditions, what is counted, what is excluded. */
static const form_case conditions[] = {
    {"json-schema:{\"properties\":{\"c\":{\"enum\":[\"US\",\"CA\"]},\"z\":{\"type\":\"string\"}},"
     "\"required\":[\"c\",\"z\"],\"if\":{\"properties\":{\"c\":{\"const\":\"US\"}}},\"then\":{"
     "\"properties\":{\"z\":{\"pattern\":\"^\\\\d{2}$\"}}},\"else\":{\"properties\":{\"z\":{"
     "\"pattern\":\"^[A-Z]$\"}}}}",
     {"{\"c\":\"US\",\"z\":\"12\"}", "{\"c\":\"CA\",\"z\":\"K\"}"},
     {"{\"c\":\"US\",\"z\":\"K\"}", "{\"c\":\"CA\",\"z\":\"12\"}", "{\"c\":\"US\"}"}},
    {"json-schema:{\"type\":\"object\",\"properties\":{\"age\":{\"type\":\"integer\",\"minimum\":0}"
     ","
     "\"by\":{\"const\":1}},\"required\":[\"age\"],\"if\":{\"properties\":{\"age\":{\"maximum\":17}"
     "}},"
     "\"then\":{\"required\":[\"by\"]}}",
     {"{\"age\":17,\"by\":1}", "{\"age\":18}", "{\"age\":99,\"by\":1}"},
     {"{\"age\":17}", "{\"age\":0}"}},
    {"json-schema:{\"properties\":{\"k\":{\"type\":\"string\"},\"v\":true},\"required\":[\"k\"],"
     "\"allOf\":[{\"if\":{\"properties\":{\"k\":{\"const\":\"n\"}}},\"then\":{\"properties\":{"
     "\"v\":{"
     "\"type\":\"null\"}},\"required\":[\"v\"]}},{\"if\":{\"properties\":{\"k\":{\"const\":\"b\"}}}"
     ","
     "\"then\":{\"properties\":{\"v\":{\"type\":\"boolean\"}}}}]}",
     {"{\"k\":\"n\",\"v\":null}", "{\"k\":\"b\",\"v\":true}", "{\"k\":\"b\"}",
      "{\"k\":\"x\",\"v\":1}"},
     {"{\"k\":\"n\"}", "{\"k\":\"n\",\"v\":1}", "{\"k\":\"b\",\"v\":null}"}},
    {"json-schema:{\"properties\":{\"a\":{\"const\":1},\"b\":{\"const\":1},\"c\":{\"const\":1}},"
     "\"dependentRequired\":{\"a\":[\"b\"],\"c\":[\"a\"]}}",
     {"{}", "{\"b\":1}", "{\"a\":1,\"b\":1}", "{\"a\":1,\"b\":1,\"c\":1}"},
     {"{\"a\":1}", "{\"c\":1}", "{\"b\":1,\"c\":1}", "{\"a\":1,\"c\":1}"}},
    {"json-schema:{\"properties\":{\"a\":{\"const\":1},\"b\":true},\"dependencies\":{\"a\":{"
     "\"properties\":{\"b\":{\"const\":2}},\"required\":[\"b\"]}}}",
     {"{}", "{\"b\":3}", "{\"a\":1,\"b\":2}"},
     {"{\"a\":1}", "{\"a\":1,\"b\":3}"}},
    {"json-schema:{\"type\":\"array\",\"items\":{\"enum\":[1,2,3]},\"contains\":{\"const\":2},"
     "\"maxItems\":3}",
     {"[2]", "[1,2]", "[2,2,3]"},
     {"[]", "[1]", "[1,3,1]", "[1,1,1,2]"}},
    {"json-schema:{\"items\":{\"type\":[\"boolean\",\"null\"]},\"contains\":{\"type\":\"null\"},"
     "\"minContains\":1,\"maxContains\":2}",
     {"[null]", "[true,null]", "[null,false,null,true]"},
     {"[]", "[true]", "[null,null,null]", "[null,null,true,null]"}},
    {"json-schema:{\"prefixItems\":[{\"const\":1}],\"items\":{\"enum\":[1,2]},\"contains\":{"
     "\"const\":"
     "2},\"minContains\":2}",
     {"[1,2,2]", "[1,1,2,1,2,2]"},
     {"[1]", "[1,2]", "[2,2]"}},
    {"json-schema:{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1},\"b\":{\"const\":1}},"
     "\"oneOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}",
     {"{\"a\":1}", "{\"b\":1}"},
     {"{}", "{\"a\":1,\"b\":1}"}},
    {"json-schema:{\"oneOf\":[{\"const\":1},{\"enum\":[2,1.0]}]}", {"2"}, {"1", "1.0"}},
    {"json-schema:{\"type\":\"integer\",\"minimum\":0,\"oneOf\":[{\"maximum\":5},{\"minimum\":3}]}",
     {"0", "2", "6", "70"},
     {"3", "4", "5"}},
    {"json-schema:{\"properties\":{\"a\":{\"const\":1},\"b\":{\"const\":1},\"c\":{\"const\":1}},"
     "\"minProperties\":2}",
     {"{\"a\":1,\"b\":1}", "{\"b\":1,\"c\":1}", "{\"a\":1,\"b\":1,\"c\":1}"},
     {"{}", "{\"a\":1}", "{\"c\":1}"}},
    {"json-schema:{\"properties\":{\"a\":{\"const\":1},\"b\":{\"const\":1},\"c\":{\"const\":1}},"
     "\"required\":[\"c\"],\"maxProperties\":2}",
     {"{\"c\":1}", "{\"a\":1,\"c\":1}", "{\"b\":1,\"c\":1}"},
     {"{}", "{\"a\":1,\"b\":1}", "{\"a\":1,\"b\":1,\"c\":1}"}},
    {"json-schema:{\"properties\":{\"a\":{\"const\":1}},\"additionalProperties\":{\"const\":2},"
     "\"minProperties\":2,\"maxProperties\":3}",
     {"{\"a\":1,\"x\":2}", "{\"x\":2,\"y\":2}", "{\"a\":1,\"x\":2,\"y\":2}"},
     {"{}", "{\"a\":1}", "{\"x\":2}", "{\"a\":1,\"x\":2,\"y\":2,\"z\":2}"}},
    {"json-schema:{\"properties\":{\"a\":{\"const\":1},\"b\":{\"const\":1}},\"not\":{\"required\":["
     "\"a\",\"b\"]}}",
     {"{}", "{\"a\":1}", "{\"b\":1}"},
     {"{\"a\":1,\"b\":1}"}},
    {"json-schema:{\"type\":[\"string\",\"integer\",\"null\"],\"not\":{\"enum\":[\"a\",5,9]},"
     "\"maxLength\":1}",
     {"\"b\"", "4", "6", "10", "null"},
     {"\"a\"", "5", "9", "true"}},
    {"json-schema:{\"type\":\"string\",\"not\":{\"anyOf\":[{\"const\":\"a\"},{\"pattern\":\"^b\"}]}"
     "}",
     {"\"c\"", "\"ab\""},
     {"\"a\"", "\"b\"", "\"bc\""}},
    {"json-schema:{\"type\":\"array\",\"items\":{\"enum\":[1,2]},\"not\":{\"items\":{\"const\":1}}"
     "}",
     {"[2]", "[1,2]"},
     {"[]", "[1]", "[1,1]"}},
    {"json-schema:{\"pattern\":\"(^a$)|(^b$)\"}", {"\"a\"", "\"b\""}, {"\"ab\"", "\"\""}},
    {"json-schema:{\"pattern\":\"^(?!^[-+.]*$)[+-]?0*\\\\d*\\\\.?\\\\d*$\"}",
     {"\"0.5\"", "\"-12\"", "\"+.5\"", "\"007.\""},
     {"\"-\"", "\"\"", "\".\"", "\"1a\""}},
    {"json-schema:{\"type\":\"string\",\"format\":\"email\",\"pattern\":\"^[a-z.]+@b\\\\.de$\","
     "\"maxLength\":9}",
     {"\"a@b.de\"", "\"a.cd@b.de\""},
     {"\"abcde@b.de\"", "\"A@b.de\"", "\".a@b.de\""}},
    {"json-schema:{\"type\":\"string\",\"pattern\":\"^(\u00e9|\\\\n|x)+$\",\"minLength\":2,"
     "\"maxLength\":3}",
     {"\"\u00e9x\"", "\"\\n\\n\\n\"", "\"xx\u00e9\""},
     {"\"\u00e9\"", "\"\\n\"", "\"xxxx\"", "\"\\n\\n\\n\\n\""}},
    {"json-schema:{\"minimum\":2,\"exclusiveMinimum\":true,\"maximum\":9,\"exclusiveMaximum\":"
     "false}",
     {"2.1", "9"},
     {"2", "9.1"}},
    {"json-schema:{\"$id\":\"https://a.de/"
     "r\",\"prefixItems\":[{\"$ref\":\"#n\"},{\"$ref\":\"b.json\"},"
     "{\"$ref\":\"https://a.de/r#/$defs/"
     "x\"}],\"minItems\":3,\"items\":false,\"$defs\":{\"x\":{\"$anchor\":"
     "\"n\",\"const\":1},\"y\":{\"$id\":\"b.json\",\"const\":2}}}",
     {"[1,2,1]"},
     {"[1,1,1]"}},
};

static void test_merged(void **state) {
  (void)state;
  check_cases(merged, sizeof merged / sizeof *merged);
}

static void test_conditions(void **state) {
  (void)state;
  check_cases(conditions, sizeof conditions / sizeof *conditions);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_merged),
                                     cmocka_unit_test(test_conditions)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
