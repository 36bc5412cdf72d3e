/* SPDX-License-Identifier: MIT */
/* What tokens that are found in the text take with them, and what a text's beginning is once
 * something was taken away there: ids as Hugging Face's tokenizers (0.23.3) print them. Single
 * quotes stand for double ones. */
#include "tok_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 8 };

#define WORDS "'model':{'type':'WordLevel','vocab':{'?':0,'a':1,'b':2},'unk_token':'?'}"
#define PIECES                                                                                     \
  "'model':{'type':'Unigram','unk_id':0,'vocab':[['?',0],['\u2581',-2],['a',-1],['\u2581a',-1]]}," \
  "'pre_tokenizer':{'type':'Metaspace','replacement':'\u2581','prepend_scheme':'first',"           \
  "'split':true}"
#define BYTES                                                                                      \
  "'model':{'type':'BPE','unk_token':'?','byte_fallback':true,'merges':[],"                        \
  "'vocab':{'?':0,'a':1,'\u00e9':2,'<0xC4>':3,'<0xA0>':4,'<0x62>':5}},"                            \
  "'pre_tokenizer':{'type':'ByteLevel','add_prefix_space':false,'use_regex':false}"

static const struct added_row {
  const char *json, *text;
  int32_t ids[MOST];
  size_t count;
} rows[] = {
    /* white space that a token took may hold another */
    {"{'added_tokens':[{'id':3,'content':'\\n\\n','rstrip':true}]," WORDS "}",
     "\n\n\n\n\n",
     {3, 3},
     2},
    {"{'added_tokens':[{'id':3,'content':'\\n\\n','rstrip':true}]," WORDS "}",
     "a\n\n \n\nb",
     {1, 3, 3, 2},
     4},
    /* .. which is none where nothing is left for it */
    {"{'added_tokens':[{'id':3,'content':'\\n\\n','rstrip':true,'lstrip':true}]," WORDS "}",
     "\n\n\n\n\n",
     {3},
     1},
    {"{'added_tokens':[{'id':3,'content':'\\n\\n','rstrip':true,'lstrip':true}]," WORDS "}",
     "a\n\n \n\nb",
     {1, 3, 2},
     3},
    {"{'added_tokens':[{'id':3,'content':'<x>','rstrip':true},{'id':4,'content':' '},"
     "{'id':5,'content':'  '}]," WORDS "}",
     "<x>   b",
     {3, 5, 4, 2},
     4},
    /* the mark stands in front of what begins where the text does */
    {"{'normalizer':{'type':'Strip','strip_left':true,'strip_right':true}," PIECES "}",
     "a  ",
     {3},
     1},
    {"{'normalizer':{'type':'Strip','strip_left':true,'strip_right':true}," PIECES "}",
     " a a",
     {2, 3},
     2},
    {"{'normalizer':{'type':'Replace','pattern':{'Regex':'bb?'},'content':'a'}," PIECES "}",
     "ba",
     {3, 2},
     2},
    {"{'normalizer':{'type':'Replace','pattern':{'Regex':'bb?'},'content':'a'}," PIECES "}",
     "bba",
     {2, 2},
     2},
    {"{'normalizer':{'type':'Replace','pattern':{'String':'b'},'content':''}," PIECES "}",
     "ba",
     {2},
     1},
    {"{'normalizer':{'type':'Replace','pattern':{'String':'b'},'content':''}," PIECES "}",
     "ab",
     {3},
     1},
    /* a vocabulary that lacks letters of bytes falls back on the bytes of those letters */
    {"{" BYTES "}", "a b\n", {1, 3, 4, 5, 0}, 5},
    /* an added token that is written as such a letter */
    {"{'added_tokens':[{'id':2,'content':'\u00e9'}]," BYTES "}",
     "a\u00e9\u97e9",
     {1, 2, 2, 0, 0},
     5},
    /* a Unigram's unknown costs by the least of all scores, those of bytes too */
    {"{'model':{'type':'Unigram','unk_id':0,'byte_fallback':true,'vocab':[['?',0],['abc',-1],"
     "['Xa',-14],['b',-14],['c',-14],['<0x58>',-100]]}}",
     "Xabc",
     {2, 3, 4},
     3},
    /* what has no bytes either is left out before anything is merged */
    {"{'model':{'type':'BPE','byte_fallback':true,'vocab':{'r':0,'b':1,'rb':2},'merges':['r b']}}",
     "rlb",
     {2},
     1},
    /* a byte's piece is one of the vocabulary's own */
    {"{'added_tokens':[{'id':2,'content':'<0x41>'}],'model':{'type':'BPE','unk_token':'?',"
     "'byte_fallback':true,'vocab':{'?':0,'b':1},'merges':[]}}",
     "Ab",
     {0, 1},
     2},
    {"{'added_tokens':[{'id':2,'content':'<0x41>','special':true}],'model':{'type':'BPE',"
     "'unk_token':'?','byte_fallback':true,'vocab':{'?':0,'b':1,'<0x41>':2},'merges':[]}}",
     "Ab",
     {2, 1},
     2},
};

static void check(const struct added_row *row) {
  rd_error e = {0};
  rd_tokenizer *t = NULL;
  int32_t *ids = NULL;
  size_t count = 0;
  char *json = strdup(row->json);
  for (char *at = json; (at = strchr(at, '\''));)
    *at = '"';
  if (rd_tokenizer_new(&t, "test", &e) != RD_OK ||
      rd_tok_read_json(t, rd_slice_text(json), &e) != RD_OK || rd_tokenizer_seal(t, &e) != RD_OK ||
      rd_tokenizer_encode(t, row->text, strlen(row->text), RD_TOK_SPECIAL, &ids, &count, &e) !=
          RD_OK)
    fail_msg("%s: %s", row->json, e.message);
  if (count != row->count || memcmp(ids, row->ids, count * sizeof *ids) != 0)
    fail_msg("%s over \"%s\": %zu ids, the first %d", row->json, row->text, count, *ids);
  free(ids);
  free(json);
  rd_tokenizer_close(&t);
}

static void ids_are_the_judges(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    check(&rows[i]);
}

/* White space that every token of a run takes is looked through once. */
static void runs_cost_no_squares(void **state) {
  (void)state;
  enum { LONG = 1 << 20 };
  rd_added a = {0};
  rd_error e = {0};
  size_t count = 0;
  char *text = malloc(LONG);
  memset(text, '\n', LONG);
  assert_int_equal(rd_added_set(&a, rd_slice_text("\n"), 1, RD_ADDED_LSTRIP | RD_ADDED_RSTRIP, &e),
                   RD_OK);
  assert_int_equal(rd_added_set(&a, rd_slice_text("\n\n"), 2, RD_ADDED_RSTRIP, &e), RD_OK);
  rd_added_index(&a);
  for (rd_added_match m = {0};; count++) {
    m = rd_added_find(&a, (rd_slice){text, LONG}, m, rd_added_special);
    if (m.id < 0)
      break;
  }
  assert_int_equal(count, LONG / 2);
  rd_added_drop(&a);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(ids_are_the_judges),
                                     cmocka_unit_test(runs_cost_no_squares)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
