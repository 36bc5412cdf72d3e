// SPDX-License-Identifier: MIT
// What one sees before the first question: the idea in three sentences, its colours, two examples.
import type { Catalog, Values } from './options.ts';

const examples: readonly { readonly prompt: string; readonly how: string; readonly values: Values }[] = [
  { prompt: "What's the capital of France?", how: 'noiseless: the whole draft refined until it stands still', values: { no_noise: true } },
  { prompt: 'What do you know about Amsterdam?', how: 'with noising: a falling share is masked again after every draft', values: {} },
];

export const Intro = ({ catalog, onExample }: { catalog: Catalog | null; onExample: (prompt: string, values: Values) => void }) => (
  <section class="intro">
    <h2>Watch an answer come out of noise</h2>
    <p>
      Most language models write one word after another. This one writes all of them at once, from nothing but <span class="tok masked sample">masks</span>, and then drafts
      the whole answer again and again. <span class="tok new sample">New</span> tokens light up in every draft, until nothing changes any more and the answer stands.
    </p>
    <p>Every draft is kept: scrub back to any of them, see what each word was before, lock what you like, and have the rest written anew.</p>
    <div class="examples">
      {examples.map((example) => (
        <button
          type="button"
          key={example.prompt}
          disabled={!catalog}
          onClick={() => onExample(example.prompt, catalog?.options.some((row) => row.name in example.values) ? example.values : {})}
        >
          <strong>{example.prompt}</strong>
          <span>{example.how}</span>
        </button>
      ))}
    </div>
  </section>
);
