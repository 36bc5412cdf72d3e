// SPDX-License-Identifier: MIT
// What one sees before the first question: the idea in plain words, what this model knows, and questions
// that it answers.
import type { Catalog, Example } from './options.ts';

/** For servers whose model names none. */
const usual: readonly Example[] = [
  { kind: 'A country', prompt: "What's the capital of France?" },
  { kind: 'A city', prompt: 'What do you know about Amsterdam?' },
];

export const examplesOf = (catalog: Catalog | null): readonly Example[] => (catalog && catalog.examples.length > 0 ? catalog.examples : usual);

export const Intro = ({ catalog, onExample }: { catalog: Catalog | null; onExample: (prompt: string) => void }) => (
  <section class="intro">
    <h2>Watch an answer come out of noise</h2>
    <p>
      Most programs of this kind write one word after another. This one writes all of them at once, beginning with nothing but <span class="tok masked sample">blanks</span>, and
      then goes over the whole answer again and again. <span class="tok new sample">New</span> words light up each time, until nothing changes any more and the answer stands.
    </p>
    {catalog?.about && <p class="about">{catalog.about}</p>}
    <div class="examples">
      {examplesOf(catalog).map((example) => (
        <button type="button" key={example.prompt} disabled={!catalog} onClick={() => onExample(example.prompt)}>
          <strong>{example.prompt}</strong>
          <span>{example.kind}</span>
        </button>
      ))}
    </div>
    <p class="source">
      The method is LAD, LoRA-Adapted Diffusion: R. Kuiper et al., EMNLP 2025, system demonstrations, pages 97-110.
    </p>
  </section>
);
