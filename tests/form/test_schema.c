/* SPDX-License-Identifier: MIT */
/* Schemas and expressions over tini's vocabulary: which texts have a form and which do not; what is
 * refused, with its place; and that nothing takes for ever. */
#include "form_texts.h"

static const form_case cases[] = {
    {"regex:[0-9]{4}-[0-9]{2}", {"2026-11", "0000-00"}, {"2026-1", "2026-111", "", "a"}},
    {"regex:^(ja|nein)$|\\d+", {"ja", "nein", "7", "1234567"}, {"ja7", "JA", "", "nei"}},
    {"regex:\\w+@\\w+\\.(com|de)", {"a_1@b.de", "x@y.com"}, {"@b.de", "a@b.org", "a b@c.de"}},
    {"regex:.{2,3}", {"\xC3\xA9\xE2\x82\xAC", "\xF0\x9F\x98\x80xy"}, {"a", "abcd", "a\n"}},
    {"regex:[^a-y\\n]*", {"", "z", "ZZ\xC3\xA9 9"}, {"a", "zay", "\n"}},
    {"regex:[\\u00e0-\\u00ff]+", {"\xC3\xA9\xC3\xBF"}, {"e", "\xC4\x80", ""}},
    {"regex:(?:a?){3}a{3}", {"aaa", "aaaaaa"}, {"aa", "aaaaaaa"}},
    {"regex:a\\.b\\\\c\\x41\\{\\}[\\]x-]",
     {"a.b\\cA{}]", "a.b\\cA{}-", "a.b\\cA{}x"},
     {"aab\\cA{}x"}},
    {"regex:\\p{Lu}\\p{Ll}+\\pN?",
     {"Ab", "\xC3\x89t\xC3\xA9", "\xD0\x96\xD0\xB6\xE2\x85\xA7", "Ab9"},
     {"ab", "A", "AB", "A\xE6\x97\xA5", "Ab99"}},
    {"regex:[^\\p{Letter}\\p{Zs}]+\\P{L}",
     {"1-", "\xE2\x82\xAC!", "\xF0\x9F\x98\x80 "},
     {"a1", " 1", "1a", "1\xE6\x97\xA5", "1\xEE\x80\x80", "\xF3\xB0\x80\x80-"}},
    {"json-schema:{\"type\":\"string\",\"pattern\":\"^[\\\\p{L}_]\\\\p{P}\"}",
     {"\"\xE6\x97\xA5-\"", "\"_\\\"x\"", "\"z\xC2\xBB\""},
     {"\"1-\"", "\"ab\""}},
    {"regex:\\D\\W\\S", {"a-b", "- ."}, {"1-b", "aab", "a- "}},
    {"json-object",
     {"{}", "{\"a\":1}", "{\"a\": [1, {\"b\": null}], \"c\": \"\\u0100\\n\"}",
      "{\"\xC3\xA9\":-0.5,\"x\":true}"},
     {"[]", "{a:1}", "{\"a\":1,}", "{\"a\":01}", "{\"a\":\"\n\"}", "{\"a\":\"\\u0007\"}", "{} "}},
    {"json-schema:{\"type\":\"string\"}",
     {"\"\"", "\"a b\"", "\"\\\"\\\\\\/\"", "\"\xF0\x9F\x98\x80\""},
     {"a", "\"", "\"a\"b", "\"\\q\"", "\"\\ud800\"", "null"}},
    {"json-schema:{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}",
     {"\"ab\"", "\"abc\"", "\"\xC3\xA9\xE2\x82\xAC\"", "\"\\n\\u0100a\""},
     {"\"a\"", "\"abcd\"", "\"\"", "\"\xC3\xA9\""}},
    {"json-schema:{\"type\":\"string\",\"minLength\":30}",
     {"\"012345678901234567890123456789\"", "\"the quick brown fox jumps over the lazy dog\""},
     {"\"01234567890123456789012345678\""}},
    {"json-schema:{\"type\":\"string\",\"pattern\":\"^[A-Z]{2}\\\\d\"}",
     {"\"AB1\"", "\"AB1 and more\""},
     {"\"aAB1\"", "\"AB\"", "AB1"}},
    {"json-schema:{\"type\":\"object\",\"unevaluatedProperties\":false}", {"{}"}, {"{\"a\":1}"}},
    {"json-schema:{\"type\":\"object\",\"allOf\":[{\"properties\":{\"a\":{\"const\":1}}}],"
     "\"anyOf\":[{\"properties\":{\"b\":{\"const\":2}},\"required\":[\"b\"]},{\"type\":\"object\"}]"
     ","
     "\"unevaluatedProperties\":false}",
     {"{}", "{\"a\":1}", "{\"b\":2}", "{\"a\":1,\"b\":2}"},
     {"{\"c\":3}", "{\"a\":1,\"c\":3}"}},
    {"json-schema:{\"$ref\":\"#/$defs/"
     "x\",\"unevaluatedProperties\":{\"const\":7},\"minProperties\":1,"
     "\"$defs\":{\"x\":{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1}}}}}",
     {"{\"a\":1}", "{\"b\":7}", "{\"a\":1,\"b\":7}"},
     {"{}", "{\"b\":1}", "{\"a\":7}"}},
    {"json-schema:{\"type\":\"array\",\"allOf\":[{\"prefixItems\":[{\"const\":1}]},{"
     "\"prefixItems\":[{"
     "},{\"const\":2}]}],\"unevaluatedItems\":{\"const\":7}}",
     {"[]", "[1]", "[1,2]", "[1,2,7,7]"},
     {"[2]", "[1,7]", "[1,2,3]"}},
    {"json-schema:{\"type\":\"array\",\"prefixItems\":[{\"const\":1}],\"unevaluatedItems\":false}",
     {"[]", "[1]"},
     {"[1,1]", "[2]"}},
    {"json-schema:{\"pattern\":\"ab|^c$\"}", {"\"xxabyy\"", "\"ab\"", "\"c\""}, {"\"xc\"", "\"\""}},
    {"json-schema:{\"type\":\"string\",\"pattern\":\"^[\\\"\\\\\\\\\\t]+$\"}",
     {"\"\\\"\"", "\"\\\\\"", "\"\\t\\\"\""},
     {"\"\"", "\"t\""}},
    {"json-schema:{\"type\":\"integer\"}",
     {"0", "-1", "123456789012345"},
     {"-0", "01", "1.0", "1e3", "", "--1"}},
    {"json-schema:{\"type\":\"number\"}",
     {"0", "-1", "0.5", "-0.25", "123456789012345.000000000000001", "10"},
     {"-0", "01", ".5", "1.", "1e3", "1234567890123456", "0.0000000000000001", "-.5"}},
    {"json-schema:{\"type\":\"integer\",\"minimum\":-12,\"maximum\":105}",
     {"-12", "-9", "-1", "0", "9", "10", "99", "100", "105"},
     {"-13", "-20", "106", "110", "1000", "-0", "200", "-100"}},
    {"json-schema:{\"type\":\"integer\",\"exclusiveMinimum\":8,\"exclusiveMaximum\":11.5}",
     {"9", "10", "11"},
     {"8", "12", "7", "1", "0"}},
    {"json-schema:{\"type\":\"number\",\"minimum\":0.25,\"exclusiveMaximum\":2}",
     {"0.25", "0.3", "1", "1.9999", "0.250", "0.99"},
     {"0.2", "0.24", "2", "2.0", "0", "-1", "0."}},
    {"json-schema:{\"type\":\"number\",\"exclusiveMinimum\":-1.5,\"maximum\":-0.5}",
     {"-0.5", "-1.49", "-1", "-0.50"},
     {"-1.5", "-0.49", "0", "1", "-2", "-0", "-1.50"}},
    {"json-schema:{\"type\":\"boolean\"}", {"true", "false"}, {"True", "null", "truefalse"}},
    {"json-schema:{\"type\":[\"null\",\"boolean\"]}", {"null", "true"}, {"0", "\"null\""}},
    {"json-schema:{\"enum\":[\"a\",1,null,[1,{\"b\":2.5}]]}",
     {"\"a\"", "1", "null", "[1,{\"b\":2.5}]"},
     {"a", "2", "[1]"}},
    {"json-schema:{\"enum\":[\"a\",1,null],\"type\":[\"string\",\"null\"]}",
     {"\"a\"", "null"},
     {"1"}},
    {"json-schema:{\"const\":{\"k\":\"\\u00e9\\\"\"}}", {"{\"k\":\"\xC3\xA9\\\"\"}"}, {"{}"}},
    {"json-schema:{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{"
     "\"type\":"
     "\"boolean\"},\"c\":{\"type\":\"null\"}},\"required\":[\"b\"]}",
     {"{\"b\":true}", "{\"a\": 1, \"b\":false}", "{\"a\":1,\"b\":true,\"c\":null}",
      "{\"b\":true,\"c\":null}"},
     {"{}", "{\"a\":1}", "{\"b\":true,\"a\":1}", "{\"b\":true,\"d\":1}", "{,\"b\":true}",
      "{\"b\":true,}"}},
    {"json-schema:{\"properties\":{\"ab\":{\"const\":1},\"ac\":{\"const\":2}},"
     "\"additionalProperties\":{\"type\":\"boolean\"}}",
     {"{}", "{\"ab\":1}", "{\"x\":true}", "{\"ab\":1,\"a\":true}", "{\"abc\":true,\"ad\":false}",
      "{\"ac\":2,\"\":true,\"b\":true}"},
     {"{\"ab\":true}", "{\"ac\":false}", "{\"x\":1}", "{\"a\":true,\"ab\":1}",
      "{\"\\u0061b\":true}"}},
    {"json-schema:{\"type\":\"object\",\"required\":[\"z\"]}",
     {"{\"z\":1}", "{\"z\":{\"a\":[]}}", "{\"z\":1,\"y\":2}"},
     {"{}", "{\"y\":1}"}},
    {"json-schema:{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}",
     {"{}", "{\"any\":1, \"thing\":2}"},
     {"{\"a\":\"b\"}"}},
    {"json-schema:{\"type\":\"object\",\"additionalProperties\":false}", {"{}"}, {"{\"a\":1}"}},
    {"json-schema:{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":1,\"maxItems\":"
     "3}",
     {"[1]", "[1, 2]", "[1,2,3]"},
     {"[]", "[1,2,3,4]", "[1,]", "[\"a\"]"}},
    {"json-schema:{\"items\":{\"const\":1},\"minItems\":2}", {"[1,1]", "[1,1,1,1]"}, {"[1]", "[]"}},
    {"json-schema:{\"type\":\"array\",\"prefixItems\":[{\"const\":1},{\"const\":2}],\"items\":"
     "false}",
     {"[]", "[1]", "[1,2]"},
     {"[2]", "[1,2,3]"}},
    {"json-schema:{\"type\":\"array\",\"maxItems\":0}", {"[]"}, {"[1]"}},
    {"json-schema:{\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"#/$defs/t~1x\"}],\"$defs\":{\"t/x\":"
     "{\"const\":5}}}",
     {"null", "5"},
     {"6"}},
    {"json-schema:{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"integer\"},\"next\":{"
     "\"anyOf\":"
     "[{\"$ref\":\"#\"},{\"type\":\"null\"}]}},\"required\":[\"v\",\"next\"],"
     "\"additionalProperties\":false}",
     {"{\"v\":1,\"next\":null}", "{\"v\":1,\"next\":{\"v\":2,\"next\":{\"v\":3,\"next\":null}}}"},
     {"{\"v\":1}", "{\"v\":1,\"next\":{}}"}},
    {"json-schema:{\"type\":\"string\",\"format\":\"date\"}",
     {"\"2026-11-26\"", "\"2024-02-29\"", "\"1999-12-31\""},
     {"\"2023-02-29\"", "\"2026-13-01\"", "\"2026-04-31\"", "\"0000-01-01\"", "\"26-01-01\""}},
    {"json-schema:{\"type\":\"string\",\"format\":\"date-time\"}",
     {"\"2026-11-26T23:59:59Z\"", "\"2026-11-26T00:00:00.5+01:30\""},
     {"\"2026-11-26\"", "\"2026-11-26T24:00:00Z\"", "\"2026-11-26T23:59:59\""}},
    {"json-schema:{\"type\":\"string\",\"format\":\"uuid\"}",
     {"\"123e4567-e89b-12d3-a456-426614174000\""},
     {"\"123e4567e89b12d3a456426614174000\""}},
    {"json-schema:{\"type\":\"string\",\"format\":\"email\"}",
     {"\"a.b@c.de\"", "\"x@y-z.co.uk\""},
     {"\"@c.de\"", "\"a@b\"", "\"a b@c.de\""}},
    {"json-schema:{\"allOf\":[{\"type\":\"null\"}],\"title\":\"T\",\"default\":null}",
     {"null"},
     {"0"}},
    {"json-schema:{\"oneOf\":[{\"type\":\"null\"},{\"$ref\":\"#/$defs/a\"},{\"$ref\":\"#/$defs/"
     "b\"}],\"$defs\":{"
     "\"a\":{\"type\":\"object\",\"properties\":{\"k\":{\"const\":\"a\"},\"n\":{\"type\":"
     "\"integer\"}},"
     "\"required\":[\"k\",\"n\"]},\"b\":{\"type\":\"object\",\"properties\":{\"k\":{\"enum\":["
     "\"b\",1]}},"
     "\"required\":[\"k\"]}}}",
     {"null", "{\"k\":\"a\",\"n\":2}", "{\"k\":\"b\"}", "{\"k\":1}"},
     {"{\"k\":\"a\"}", "{\"k\":\"c\"}", "{\"k\":\"b\",\"n\":2}"}},
    {"json-schema:{\"oneOf\":[{\"const\":1},{\"enum\":[2,\"1\"]}]}", {"1", "2", "\"1\""}, {"3"}},
    {"json-schema:{}", {"1", "[]", "{\"a\":{\"b\":[\"c\"]}}", "\"x\""}, {"", "x"}},
};

static void test_texts(void **state) {
  (void)state;
  check_cases(cases, sizeof cases / sizeof *cases);
}

/* What is allowed is what may follow: bit by bit, at states that texts come to. */
static void test_allowed(void **state) {
  (void)state;
  size_t width = (rd_tokenizer_size(tokenizer) + 63) / 64;
  uint64_t *bits = calloc(width, sizeof *bits);
  static const char *const begun[] = {
      "", "{", "{\"a", "{\"a\":", "{\"a\": 1", "{\"a\": \"\\", "{\"a\": \"\xE2", "{\"a\":1}"};
  rd_form *f;
  rd_error e = {0};
  assert_int_equal(rd_form_open(&f, "json-object", words, &e), RD_OK);
  for (size_t i = 0; i < sizeof begun / sizeof *begun; i++)
    for (int64_t left = 1; left < 5; left++) {
      int32_t at = after_text(f, rd_form_start(f), begun[i], strlen(begun[i]));
      int64_t count = rd_form_allow(f, at, left, bits), seen = 0;
      for (int32_t id = 0; id < (int32_t)words->vocab; id++) {
        int32_t to = rd_form_next(f, at, id);
        bool may = to != RD_NOWHERE && rd_form_least(f, to) <= left - 1;
        bool is = bits[id / 64] >> (id % 64) & 1;
        if (may != is)
          fail_msg("behind %s, %d words left: %d is%s allowed", begun[i], (int)left, (int)id,
                   is ? "" : " not");
        seen += may;
      }
      assert_int_equal(seen, count);
    }
  rd_form_close(&f);
  free(bits);
}

static const struct refusal {
  const char *source;
  rd_code code;
  const char *words;
} refusals[] = {
    {"yaml:x", RD_USAGE, "there are regex, json-schema and json-object"},
    {"regex", RD_USAGE, "the expression is empty"},
    {"regex:", RD_USAGE, "the expression is empty"},
    {"regex:(a", RD_BAD_INPUT, "at 0: the group is not closed"},
    {"regex:a)b", RD_BAD_INPUT, "at 1"},
    {"regex:a{3,2}", RD_BAD_INPUT, "at 1: {3,2}"},
    {"regex:*a", RD_BAD_INPUT, "at 0: nothing to repeat"},
    {"regex:[a", RD_BAD_INPUT, "at 0: the class is not closed"},
    {"regex:[z-a]", RD_BAD_INPUT, "at 1"},
    {"regex:a(?=b)", RD_UNSUPPORTED, "at 1"},
    {"regex:(a)\\1", RD_UNSUPPORTED, "\\1 is not supported"},
    {"regex:\\bword", RD_UNSUPPORTED, "at 0: \\b is not supported"},
    {"regex:a^b", RD_BAD_INPUT, "no text has this form"},
    {"regex:[^\\u0000-\\u{10FFFF}]", RD_BAD_INPUT, "no text has this form"},
    {"json-object:x", RD_USAGE, "json-object goes without"},
    {"json-schema:{", RD_BAD_INPUT, "schema"},
    {"json-schema:3", RD_BAD_INPUT, "expected a schema"},
    {"json-schema:{\"type\":\"strin\"}", RD_BAD_INPUT, "at #: unknown type strin"},
    {"json-schema:{\"properties\":{\"a\":{\"items\":{\"$dynamicRef\":\"#b\"}}}}", RD_UNSUPPORTED,
     "at #/properties/a/items: $dynamicRef is not supported"},
    {"json-schema:{\"minProperties\":1,\"allOf\":[{\"anyOf\":[{\"properties\":{\"a\":{}}}],"
     "\"unevaluatedProperties\":false}]}",
     RD_UNSUPPORTED, "unevaluatedProperties beside anyOf"},
    {"json-schema:{\"type\":\"object\",\"unevaluatedProperties\":false,\"if\":{\"properties\":{"
     "\"a\":{\"const\":1}},\"required\":[\"a\"]},\"else\":{\"minProperties\":1}}",
     RD_UNSUPPORTED, "unevaluatedProperties beside not"},
    {"json-schema:{\"contains\":{\"const\":1},\"unevaluatedItems\":false}", RD_UNSUPPORTED,
     "unevaluatedItems beside contains"},
    {"json-schema:{\"allOf\":[{\"properties\":{\"a\":{}},\"unevaluatedProperties\":false},{"
     "\"required\":[\"b\"]}],\"type\":\"object\"}",
     RD_BAD_INPUT, "no text has this form"},
    {"json-schema:{\"oneOf\":[{},{}]}", RD_BAD_INPUT, "no text has this form"},
    {"json-schema:{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}", RD_UNSUPPORTED,
     "at #/oneOf/1: not: numbers"},
    {"json-schema:{\"oneOf\":[{\"multipleOf\":3},{\"multipleOf\":5}]}", RD_UNSUPPORTED,
     "not: nothing that it excludes can be said otherwise"},
    {"json-schema:{\"uniqueItems\":true}", RD_UNSUPPORTED, "uniqueItems"},
    {"json-schema:{\"$ref\":\"other.json\"}", RD_UNSUPPORTED, "$ref"},
    {"json-schema:{\"$ref\":\"#/$defs/none\"}", RD_BAD_INPUT, "there is no #/$defs/none"},
    {"json-schema:{\"$ref\":\"#\"}", RD_BAD_INPUT, "no text has this form"},
    {"json-schema:{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]"
     "}",
     RD_BAD_INPUT, "no text has this form"},
    {"json-schema:{\"minLength\":3,\"maxLength\":2}", RD_BAD_INPUT, "at #: at least 3"},
    {"json-schema:{\"minItems\":3,\"maxItems\":2}", RD_BAD_INPUT, "at #: at least 3"},
    {"json-schema:{\"type\":\"integer\",\"minimum\":3,\"maximum\":2}", RD_BAD_INPUT, "no number"},
    {"json-schema:{\"type\":\"integer\",\"minimum\":2.1,\"maximum\":2.9}", RD_BAD_INPUT,
     "no number"},
    {"json-schema:{\"pattern\":\"(\"}", RD_BAD_INPUT, "at #: pattern: at 0"},
    {"regex:a\\p{Script=Greek}", RD_UNSUPPORTED, "at 1: of Unicode's classes"},
    {"regex:\\p", RD_UNSUPPORTED, "at 0: of Unicode's classes"},
    {"regex:\\pL\\p{L", RD_UNSUPPORTED, "at 3: of Unicode's classes"},
    {"json-schema:{\"format\":\"emoji\"}", RD_UNSUPPORTED, "unknown format emoji"},
    {"json-schema:{\"multipleOf\":12345}", RD_UNSUPPORTED, "multipleOf 12345"},
    {"json-schema:{\"multipleOf\":0}", RD_BAD_INPUT, "multipleOf"},
    {"json-schema:{\"minimum\":1e15}", RD_UNSUPPORTED, "minimum"},
    {"json-schema:{\"minProperties\":200}", RD_UNSUPPORTED, "are counted up to 40"},
    {"json-schema:{\"contains\":{},\"minContains\":3,\"maxContains\":2}", RD_BAD_INPUT,
     "minContains 3 and maxContains 2"},
    {"json-schema:{\"contains\":{},\"minContains\":100}", RD_UNSUPPORTED, "minContains 100"},
    {"json-schema:{\"allOf\":[{\"contains\":{\"const\":1}},{\"contains\":{\"const\":2}}]}",
     RD_UNSUPPORTED, "two of contains"},
    {"json-schema:{\"dependentRequired\":3}", RD_BAD_INPUT, "depends on properties"},
    {"json-schema:{\"required\":[\"a\"],\"maxProperties\":0}", RD_BAD_INPUT, "1 are required"},
    {"json-schema:{\"allOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", RD_BAD_INPUT,
     "no text has this form"},
    {"json-schema:{\"allOf\":[{\"$ref\":\"#\"},{\"minimum\":1}]}", RD_BAD_INPUT,
     "no text has this form"},
    {"json-schema:{\"enum\":[\"a\"],\"minLength\":2}", RD_BAD_INPUT, "enum: no value"},
    {"json-schema:{\"allOf\":[{\"minimum\":2},{\"maximum\":1}]}", RD_BAD_INPUT,
     "no text has this form"},
    {"json-schema:{\"not\":{\"format\":\"date\"}}", RD_UNSUPPORTED, "nothing that it excludes"},
    {"json-schema:{\"type\":\"array\",\"items\":{\"enum\":[1]},\"uniqueItems\":true,\"minItems\":"
     "2}",
     RD_BAD_INPUT, "may not come twice"},
    {"json-schema:{\"enum\":[]}", RD_BAD_INPUT, "enum"},
    {"json-schema:{\"enum\":[1],\"type\":\"string\"}", RD_BAD_INPUT, "enum"},
    {"json-schema:{\"maxLength\":-1}", RD_BAD_INPUT, "maxLength"},
    /* what would take too much */
    {"regex:(a|b)*a(a|b){40}", RD_BAD_INPUT, "too large"},
    {"regex:((((a{100}){100}){100}){100}){100}", RD_BAD_INPUT, "too large"},
    {"regex:((((){9999}){9999}){9999}){9999}", RD_BAD_INPUT, "too large"},
    {"regex:(.*a.*b){200}.{5000}", RD_BAD_INPUT, "too large"},
    {"regex:(a?){9000}a{9000}", RD_BAD_INPUT, "too large"},
    {"json-schema:{\"minLength\":1000000}", RD_BAD_INPUT, "too large"},
    {"json-schema:{\"type\":\"array\",\"contains\":{\"type\":\"integer\"},\"minItems\":1073741824}",
     RD_BAD_INPUT, "too large"},
    {"json-schema:{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"}},"
     "\"additionalProperties\":{\"type\":\"null\"},\"maxProperties\":1073741824}",
     RD_BAD_INPUT, "too large"},
    {"json-schema:{\"type\":\"array\",\"uniqueItems\":true,\"items\":{\"type\":\"integer\","
     "\"minimum\":-9000000000000000000,\"maximum\":9000000000000000000}}",
     RD_UNSUPPORTED, "uniqueItems"},
    {"regex:a*{2}", RD_BAD_INPUT, "at 2: nothing to repeat"},
    {"regex:[]a]", RD_UNSUPPORTED, "a class of no character"},
    {"regex:\\a", RD_UNSUPPORTED, "\\a is not supported"},
    {"regex:\\x{41}", RD_BAD_INPUT, "hexadecimal"},
    {"json-schema:{\"type\":\"array\",\"minItems\":300,\"items\":{\"multipleOf\":7}}", RD_BAD_INPUT,
     "too large"},
    {"json-schema:{\"type\":\"array\",\"minItems\":9000,\"items\":{\"type\":\"object\","
     "\"propertyNames\":{"
     "\"minLength\":2},\"properties\":{\"ab\":{\"type\":\"integer\"}}}}",
     RD_BAD_INPUT, "too large"},
    {"json-schema:{\"allOf\":[{\"type\":\"object\",\"properties\":{\"b\":{}},"
     "\"additionalProperties\":false},{"
     "\"patternProperties\":{\"^b\":{\"type\":\"integer\"}}}]}",
     RD_UNSUPPORTED, "beside the pattern ^b of another"},
    {"json-schema:{\"type\":\"array\",\"not\":{\"prefixItems\":[{\"type\":\"string\"}],\"items\":{"
     "\"type\":"
     "\"integer\"}}}",
     RD_UNSUPPORTED, "not"},
    {"json-schema:{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{\"type\":\"array\","
     "\"maxItems\":1000},\"maxItems\":1000},\"maxItems\":1000}",
     RD_BAD_INPUT, "too large"},
};

static void test_refusals(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    rd_form *f = NULL;
    rd_error e = {0};
    rd_code code = rd_form_open(&f, refusals[i].source, words, &e);
    if (code != refusals[i].code || !strstr(e.message, refusals[i].words))
      fail_msg("%s: %d, %s", refusals[i].source, code, e.message);
    assert_null(f);
  }
}

/* Texts of a format have the lengths that the table says: none is longer or shorter, some are as
 * long and as short. */
static void test_lengths(void **state) {
  static const struct {
    const char *name;
    int least, most;
  } formats[] = {{"date", 10, 10},    {"time", 9, 21}, {"date-time", 20, 32}, {"uuid", 36, 36},
                 {"email", 6, 64},    {"ipv4", 7, 15}, {"ipv6", 15, 39},      {"hostname", 1, 63},
                 {"duration", 3, 17}, {"uri", 8, 160}};
  (void)state;
  for (size_t i = 0; i < 4 * (sizeof formats / sizeof *formats); i++) {
    char source[200];
    rd_form *f = NULL;
    rd_error e = {0};
    bool longest = i % 2, beyond = i / 2 % 2;
    int length = longest ? formats[i / 4].most + beyond : formats[i / 4].least - beyond;
    snprintf(source, sizeof source, "json-schema:{\"format\":\"%s\",\"%s\":%d}",
             formats[i / 4].name, longest ? "minLength" : "maxLength", length);
    rd_code code = rd_form_open(&f, source, words, &e);
    if ((code != RD_OK) != beyond || (beyond && !strstr(e.message, "no text has this form") &&
                                      !strstr(e.message, "none can be")))
      fail_msg("%s: %s", source, code == RD_OK ? "there are such texts" : e.message);
    rd_form_close(&f);
  }
}

/* Long inputs: nested, wide, and many megabytes. */
static char *repeat(const char *before, const char *piece, size_t count, const char *after) {
  size_t size = strlen(before) + count * (strlen(piece) + 12) + strlen(after) + 1;
  char *text = malloc(size), *to = stpcpy(text, before);
  for (size_t i = 0; i < count; i++)
    to += sprintf(to, piece, i);
  strcpy(to, after);
  return text;
}

static void test_large(void **state) {
  (void)state;
  char *const sources[] = {
      repeat("regex:", "(", 5000, ""),
      repeat("regex:", "a?", 40000, ""),
      repeat("regex:a", "*", 60000, ""),
      repeat("json-schema:", "{\"items\":", 1000, "{}"),
      repeat("json-schema:{\"enum\":[0", ",%zu", 1000000, "]}"),
      repeat("json-schema:{\"properties\":{\"z\":{}",
             ",\"property number %zu\":{\"type\":\"string\"}", 200000, "}}"),
      repeat("json-schema:{\"const\":\"", "0123456789", 1000000, "\"}"),
  };
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
    rd_form *f = NULL;
    rd_error e = {0};
    assert_int_not_equal(rd_form_open(&f, sources[i], words, &e), RD_OK);
    assert_null(f);
    free(sources[i]);
  }
}

/* Fifty fields of common kinds are one automaton, and each is where it should be. */
static void test_wide(void **state) {
  (void)state;
  char *source =
      repeat("json-schema:{\"type\":\"object\",\"properties\":{\"z\":{\"type\":\"null\"}",
             ",\"field_%1$zu\":{\"type\":\"string\",\"maxLength\":40},\"optional_%1$zu\":{"
             "\"type\":[\"integer\",\"null\"]}",
             25, "},\"required\":[\"field_3\",\"z\"]}");
  rd_form *f;
  rd_error e = {0};
  if (rd_form_open(&f, source, words, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_true(fits(f, "{\"z\":null,\"field_3\":\"a\",\"optional_24\":7}"));
  assert_false(fits(f, "{\"z\":null,\"optional_24\":7,\"field_3\":\"a\"}"));
  rd_form_close(&f);
  free(source);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_texts), cmocka_unit_test(test_allowed), cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_large), cmocka_unit_test(test_lengths), cmocka_unit_test(test_wide),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
