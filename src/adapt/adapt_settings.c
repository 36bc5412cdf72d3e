/* SPDX-License-Identifier: MIT */
/* The options of adapting, and its stages. */
#include "adapt_settings.h"

#include "precision.h"
#include "step.h"

#define AT(member) RD_OPTION_AT(rd_adapt_settings, member)
static const rd_option rows[] = {
    {"model", AT(model), .letter = 'm', .group = "Model", .value = "PATH",
     .help = "the chat model to adapt; also as an argument"},
    {"out", AT(out), .letter = 'o', .fallback = "adapted", .group = "Run", .value = "DIR",
     .help = "folder of the run; the adapter is DIR/adapter"},
    {"prompts", AT(prompts), .fallback = "built-in", .group = "Answers",
     .value = "built-in|self|FILE",
     .help = "what the model is asked: a list that the program has; questions that it writes "
             "itself; a file of rows with prompts, or of a prompt a line"},
    {"answers", AT(answers), .fallback = "512", .min = 16, .max = 1e8, .group = "Answers",
     .help = "conversations that it answers; those about one in sixteen of the prompts are held "
             "out"},
    {"tokens", AT(tokens), .fallback = "96", .min = 4, .max = 65536, .group = "Answers",
     .help = "of an answer at most"},
    {"temperature", AT(temperature), .fallback = "0", .max = 2, .group = "Answers",
     .help = "of its answers; 0: the most likely words, which alone are a function of the prompt"},
    {"minutes", AT(minutes), .fallback = "180", .min = 0.01, .max = 1e6, .group = "Training",
     .help = "of training, as it is estimated when it begins"},
    {"updates", AT(updates), .fallback = "0", .max = 1e12, .group = "Training",
     .help = "of training in all; 0: as many as the minutes hold"},
    {"rank", AT(rank), .fallback = "32", .min = 1, .max = 16384, .group = "Training",
     .help = "of the adapter"},
    {"precision", AT(precision), .fallback = "auto", .choices = &rd_train_precision_table,
     .group = "Training", .help = "arithmetic of training's matrix products"},
    {"engine", AT(engine), .choices = &rd_step_table, .group = "Training",
     .help = "what writes the answers and computes training's passes; none: the first that this "
             "machine can run"},
    {"set", AT(set), .many = true, .group = "Training", .value = "KEY=VALUE",
     .help = "a key of the trainer in every stage (`redraft train --help`), but for its files and "
             "its length; again for more"},
    {"seed", AT(seed), .fallback = "1", .max = (double)RD_MOST_SEED, .group = "Run",
     .help = "of all that is drawn"},
    {"resume", AT(resume), .group = "Run", .help = "go on with the run that the folder holds"},
    {"overwrite", AT(overwrite), .group = "Run",
     .help = "start anew where the folder holds a run: its answers and stages go"},
    {"dry-run", AT(dry_run), .group = "Run",
     .help = "write some answers, say what memory and time a run needs, and keep nothing"},
};
const rd_table rd_adapt_rows = RD_TABLE("option", rows);

static const char *const masks[] = {"align=1", "mask_all=0.5", "learning_rate=0.0005", NULL};
static const char *const drafts[] = {"own_drafts=0.35",
                                     "draft_drawn=0.5",
                                     "draft_temperature=1",
                                     "draft_top_k=3",
                                     "mask_all=0.35",
                                     "learning_rate=0.0002",
                                     NULL};
const rd_adapt_stage rd_adapt_stages[] = {
    {"masks", "some or all words of a block are masks", 0.7, masks},
    {"drafts", "drafts of its own among them, whose words may be wrong", 0.3, drafts},
};
const size_t rd_adapt_stage_count = sizeof rd_adapt_stages / sizeof *rd_adapt_stages;
