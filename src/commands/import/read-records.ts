import { isObject } from '../../contracts/is-object.ts';
import { type LineFailure, lineFailure } from './line-failure.ts';
import type { TextLine } from './read-lines.ts';

export interface JsonRecord {
  kind: 'record';
  line: number;
  text: string;
  value: Record<string, unknown>;
}

export type Records = AsyncGenerator<JsonRecord | LineFailure, void>;

/** Parses each line as a JSON object. The parser's own message is dropped, because it quotes the line. */
export async function* readRecords(lines: AsyncGenerator<TextLine | LineFailure, void>): Records {
  for await (const line of lines) yield line.kind === 'failed' ? line : toRecord(line);
}

function toRecord({ line, text }: TextLine): JsonRecord | LineFailure {
  const value = parsedJson(text);
  return isObject(value) ? { kind: 'record', line, text, value } : lineFailure(line, 'invalid-json');
}

/** Undefined: the text is not JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
