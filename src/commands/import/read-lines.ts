import { type LineFailure, lineFailure } from './line-failure.ts';

export interface TextLine {
  kind: 'line';
  /** The first line has the number 1. */
  line: number;
  text: string;
}

/** That of a request to the API. */
export const MAX_LINE_BYTES = 1024 * 1024;
const LINE_BREAK = 0x0a;

/**
 * Cuts a stream into lines, without the empty ones. Holds one line at a time: of a line that is too long, the rest is
 * read and thrown away.
 */
export async function* readLines(
  input: AsyncIterable<Uint8Array>,
): AsyncGenerator<TextLine | LineFailure, void> {
  const current = createCurrentLine();
  for await (const chunk of input) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_BREAK); end !== -1; end = chunk.indexOf(LINE_BREAK, from)) {
      current.add(chunk.subarray(from, end));
      yield* current.end();
      from = end + 1;
    }
    current.add(chunk.subarray(from));
  }
  yield* current.end();
}

/** The line that is being read. */
function createCurrentLine() {
  let line = 1;
  let parts: Uint8Array[] = [];
  let bytes = 0;
  return {
    add(part: Uint8Array): void {
      bytes += part.length;
      if (bytes > MAX_LINE_BYTES) parts = [];
      else parts.push(part);
    },
    /** Nothing for an empty line. */
    end(): (TextLine | LineFailure)[] {
      const ended = bytes > MAX_LINE_BYTES ? lineFailure(line, 'line-too-long') : decoded(line, parts);
      line += 1;
      parts = [];
      bytes = 0;
      return ended.kind === 'line' && ended.text.trim() === '' ? [] : [ended];
    },
  };
}

function decoded(line: number, parts: readonly Uint8Array[]): TextLine | LineFailure {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
    return { kind: 'line', line, text };
  } catch {
    return lineFailure(line, 'not-utf8');
  }
}
