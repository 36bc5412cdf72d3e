// SPDX-License-Identifier: MIT
// Numbers and tokens as people read them.

export const percent = (p: number): string => (p > 0.9995 && p < 1 ? '>99.9%' : `${(p * 100).toFixed(p < 0.1 ? 2 : 1)}%`);
export const seconds = (s: number): string => (s < 1 ? `${Math.round(s * 1000)} ms` : `${s.toFixed(s < 10 ? 2 : 1)} s`);
export const decimal = (n: number): string => (n >= 100 ? String(Math.round(n)) : n.toFixed(n >= 10 ? 1 : 2));
export const plural = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;

const marks: Readonly<Record<string, string>> = { '\n': '↵', '\t': '⇥', ' ': '␣', '': '∅' };

/** A token's text with what is invisible made visible. */
export function visible(piece: string): string {
  if (piece.trim() !== '') return piece.replace(/^ /, '').replace(/\n/g, '↵');
  return marks[piece] ?? piece.replace(/[\n\t ]/g, (c) => marks[c] ?? c);
}
