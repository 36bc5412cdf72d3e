/* SPDX-License-Identifier: MIT */
/* Handing the start of a run from the first rank to the others. */
#include "rank_start.h"

#include <string.h>

/* What a checkpoint knows beside the tensors. */
typedef struct place {
  int64_t update, epoch, position, tokens, logged;
  double seconds, best_loss, logged_loss;
} place;

static rd_code share_arrays(rd_trainer *t, rd_error *e) {
  for (size_t i = 0; i < t->parameters.count; i++) {
    rd_parameter *item = &t->parameters.items[i];
    float *const arrays[] = {item->master, item->m, item->v};
    for (int k = 0; k < 3; k++)
      RD_TRY(rd_ranks_share(t->ranks, 0, arrays[k], (size_t)item->count * sizeof(float), e));
  }
  return rd_parameters_refresh(&t->parameters, e);
}

rd_code rd_rank_start(rd_trainer *t, rd_error *e) {
  place p;
  memset(&p, 0, sizeof p);
  p = (place){t->update, t->order.epoch, t->order.position, t->tokens,
              t->logged, t->seconds,     t->best_loss,      t->logged_loss};
  RD_TRY(rd_ranks_share(t->ranks, 0, &p, sizeof p, e));
  t->update = p.update;
  t->tokens = p.tokens;
  t->logged = p.logged;
  t->seconds = p.seconds;
  t->best_loss = p.best_loss;
  t->logged_loss = p.logged_loss;
  rd_order_drop(&t->order);
  rd_code code = rd_order_init(&t->order, t->examples.weights, t->examples.count,
                               (uint64_t)t->settings->seed, p.epoch, p.position, e);
  RD_TRY(rd_ranks_agree(t->ranks, code, e));
  return share_arrays(t, e);
}
