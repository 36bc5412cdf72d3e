// SPDX-License-Identifier: MIT
// Markdown made into elements, and what stays text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blocks } from '../src/markdown.tsx';

/** Elements as a string: tag, the attributes that matter, and what they hold. */
function show(node: unknown): string {
  if (Array.isArray(node)) return node.map(show).join('');
  if (node === null || typeof node !== 'object') return String(node ?? '');
  const { type, props } = node as { type: string; props: Record<string, unknown> };
  const said = ['href', 'start', 'aria-level', 'rel'].flatMap((name) => (props[name] === undefined ? [] : [` ${name}=${String(props[name])}`]));
  return `<${type}${said.join('')}>${show(props.children)}</${type}>`;
}

test('blocks and marks', () => {
  const cases: [string, string][] = [
    ['plain', '<p>plain</p>'],
    ['two\nlines\n\nand more', '<p>two<br></br>lines</p><p>and more</p>'],
    ['# A *title* #', '<p aria-level=3>A <em>title</em></p>'],
    ['- one\n- **two**\n  goes on\n\n1. x', '<ul><li>one</li><li><strong>two</strong><br></br>goes on</li></ul><ol start=1><li>x</li></ol>'],
    ['7) seven', '<ol start=7><li>seven</li></ol>'],
    ['> quoted\n> `x`', '<blockquote>quoted<br></br><code>x</code></blockquote>'],
    ['---', '<hr></hr>'],
    ['```c\nint *a; // **b**\n\n  x\n```\nafter', '<pre><code>int *a; // **b**\n\n  x</code></pre><p>after</p>'],
    ['```\nnot closed <b>', '<pre><code>not closed <b></code></pre>'],
    ['say:\n- a', '<p>say:</p><ul><li>a</li></ul>'],
    ['[a](https://b.c/d) [x](javascript:alert(1)) ![p](http://q/r)', '<p><a href=https://b.c/d rel=noopener noreferrer>a</a> [x](javascript:alert(1)) p</p>'],
    ['2 * 3 * 4, snake_case_name, ** no **, a_', '<p>2 * 3 * 4, snake_case_name, ** no **, a_</p>'],
    ['<img src=x onerror=alert(1)> &amp;', '<p><img src=x onerror=alert(1)> &amp;</p>'],
    ['', ''],
  ];
  for (const [text, expected] of cases) assert.equal(show(blocks(text)), expected, text);
});

test('each block has the direction of its text, and code its own', () => {
  const directions = (blocks('# א\n\nב\n\n- ג\n\n1. ד\n\n> ה\n\n```\nו\n```') as { type: string; props: { dir?: string } }[]).map(({ type, props }) => [type, props.dir]);
  assert.deepEqual(directions, [['p', 'auto'], ['p', 'auto'], ['ul', 'auto'], ['ol', 'auto'], ['blockquote', 'auto'], ['pre', 'ltr']]);
});

test('nothing is lost, however marks are cut, and no text takes long', () => {
  const words = ['*', '**', '_', '`', '[a](', 'http://x)', '\n', '- ', '> ', '1. ', '# ', 'word', ' ', '<b>'];
  let seed = 7;
  const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
  for (let i = 0; i < 300; i++) {
    const text = Array.from({ length: random(30) }, () => words[random(words.length)]).join('');
    const shown = show(blocks(text)).replaceAll(/<[^b][^>]*>|<br>|<blockquote>/g, '');
    assert.equal([...shown.matchAll(/word/g)].length, [...text.matchAll(/word/g)].length, text);
  }
  blocks('*a '.repeat(20_000)); // quadratic would be minutes
});
