// SPDX-License-Identifier: MIT
// Server-sent events out of chunks of text, as the HTML standard parses them: lines end with LF, CR
// or CRLF, `data` lines of one event are joined, a blank line ends it, comments are dropped.

export interface Message {
  readonly event: string;
  readonly data: string;
}

export class SseParser {
  private rest = '';
  private event = '';
  private data: string[] = [];

  /** The events completed by this chunk. */
  push(chunk: string): Message[] {
    const out: Message[] = [];
    const text = this.rest + chunk;
    let from = 0;
    for (;;) {
      const match = /\r\n|\r|\n/g;
      match.lastIndex = from;
      const found = match.exec(text);
      // A CR at the very end may be half of a CRLF: wait for what follows.
      if (!found || (found[0] === '\r' && found.index + 1 === text.length)) break;
      this.line(text.slice(from, found.index), out);
      from = found.index + found[0].length;
    }
    this.rest = text.slice(from);
    return out;
  }

  private line(line: string, out: Message[]): void {
    if (line === '') {
      if (this.data.length > 0) out.push({ event: this.event || 'message', data: this.data.join('\n') });
      this.event = '';
      this.data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.data.push(value);
    else if (field === 'event') this.event = value;
  }
}
