// SPDX-License-Identifier: MIT
// Numbers drawn from a run: per iteration (for the chart), per position (for a token's history), and
// in total (for the summary).
import type { Checked, Frame, Run } from './events.ts';

export interface IterationStats {
  readonly iteration: number;
  /** Positions masked by the noise that follows this draft; null when none followed. */
  readonly masked: number | null;
  readonly changed: number | null;
  readonly confidence: number | null;
  /** The frame to show for this point. */
  readonly frame: number;
}

export function meanConfidence(frame: Frame): number {
  const end = frame.end > 0 ? frame.end : frame.ids.length;
  let sum = 0;
  for (let p = 0; p < end; p++) sum += frame.confidence[p] ?? 0;
  return end > 0 ? sum / end : 0;
}

export function iterationStats(frames: readonly Frame[]): IterationStats[] {
  const rows: IterationStats[] = [];
  frames.forEach((frame, index) => {
    const last = rows[rows.length - 1];
    if (frame.kind === 'draft') {
      rows.push({
        iteration: frame.iteration,
        masked: frame.masked.size > 0 ? frame.masked.size : null,
        changed: frame.changed.size,
        confidence: meanConfidence(frame),
        frame: index,
      });
    } else if (last && last.iteration === frame.iteration) {
      rows[rows.length - 1] = { ...last, masked: frame.masked.size };
    } else {
      rows.push({ iteration: frame.iteration, masked: frame.masked.size, changed: null, confidence: null, frame: index });
    }
  });
  return rows;
}

export interface HistorySpan {
  readonly from: number; // first and last iteration in which the position read like this
  readonly to: number;
  readonly piece: string;
  readonly id: number;
  readonly masked: boolean;
  readonly confidence: number; // in the last of them
}

/** What one position read, draft after draft, equal neighbours joined. */
export function history(frames: readonly Frame[], position: number): HistorySpan[] {
  const spans: HistorySpan[] = [];
  for (const frame of frames) {
    const id = frame.ids[position];
    if (frame.kind !== 'draft' || id === undefined) continue;
    const masked = frame.masked.has(position);
    const last = spans[spans.length - 1];
    const span = {
      from: frame.iteration,
      to: frame.iteration,
      piece: frame.pieces[position] ?? '',
      id,
      masked,
      confidence: frame.confidence[position] ?? 0,
    };
    if (last && last.id === id && last.masked === masked) spans[spans.length - 1] = { ...span, from: last.from };
    else spans.push(span);
  }
  return spans;
}

/** Probability of the token at one position in every draft: [iteration, probability]. */
export function confidences(frames: readonly Frame[], position: number): [number, number][] {
  return frames
    .filter((frame) => frame.kind === 'draft' && position < frame.ids.length)
    .map((frame) => [frame.iteration, frame.confidence[position] ?? 0]);
}

export interface Summary {
  readonly tokens: number;
  readonly iterations: number;
  readonly limit: number;
  readonly perIteration: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly verdict: string;
  /** Where the base checked drafts: the sums. */
  readonly checked: Checked | null;
  /** What speaks against trusting the answer, '' for nothing. */
  readonly warning: string;
}

const verdicts: Readonly<Record<string, (iterations: number, limit: number) => string>> = {
  converged: (iterations, limit) =>
    iterations < limit ? `Converged: stopped early after ${iterations} of ${limit} iterations` : `Converged after ${iterations} iterations`,
  iterations: (iterations) => `All ${iterations} iterations used`,
  deadline: (iterations) => `Out of time after ${iterations} iterations: the best draft so far`,
  cancelled: (iterations) => `Stopped by you after ${iterations} iterations`,
};

/** The totals of a finished run; null while it runs or when it failed before an end. */
export function summary(run: Run): Summary | null {
  const done = run.done;
  if (!done) return null;
  const limit = run.start?.iterations ?? done.iterations;
  const verdict = verdicts[done.stopped];
  return {
    tokens: done.tokens,
    iterations: done.iterations,
    limit,
    perIteration: done.iterations > 0 ? done.tokens / done.iterations : 0,
    seconds: done.seconds,
    perSecond: done.seconds > 0 ? done.tokens / done.seconds : 0,
    checked: done.checked,
    verdict: verdict ? verdict(done.iterations, limit) : `Stopped: ${done.stopped}`,
    warning: done.warning || (done.converged ? '' : 'the draft was still changing when it stopped: do not trust it'),
  };
}
