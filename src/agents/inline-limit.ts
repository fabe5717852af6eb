import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { ModelPart } from './content-parts.ts';
import { text } from './content-parts.ts';
import { type StepReference, stepPage } from './step-reference.ts';

export interface LimitedParts {
  parts: ModelPart[];
  /** Whether nothing was left out. */
  isWhole: boolean;
}

/**
 * Returns parts of at most `maxBytes` in total. If there is more, the text that fits at the beginning is kept, media and
 * JSON that do not fit are left out, and a note says how large the whole is and where it can be read. Without a limit
 * each later turn of the agent would send and store all of it again.
 */
export function limitParts(parts: ModelPart[], maxBytes: number, reference: StepReference): LimitedParts {
  const total = parts.reduce((sum, part) => sum + bytesOf(part), 0);
  if (total <= maxBytes) return { parts, isWhole: true };
  let left = maxBytes;
  const kept: ModelPart[] = [];
  for (const part of parts) {
    const fitting = cutTo(part, left);
    if (fitting !== undefined) kept.push(fitting);
    left -= fitting === undefined ? 0 : bytesOf(fitting);
  }
  const note = text(`This is not the whole result, which has ${total} bytes. ${whereToRead(reference)}`);
  return { parts: [...kept, note], isWhole: false };
}

/** The note instead of a result that is too large for Temporal's history. */
export function storedNote(bytes: number, reference: StepReference): string {
  return `The tool ran. Its result has ${bytes} bytes, which is too large to show here. ${whereToRead(reference)}`;
}

function whereToRead(reference: StepReference): string {
  const page = stepPage(reference);
  const where = page === undefined ? '' : `, at ${page}`;
  return `The user can read all of it in step ${reference.stepId}${where}. Do not repeat the call to get it; ask for less.`;
}

function cutTo(part: ModelPart, maxBytes: number): ModelPart | undefined {
  if (bytesOf(part) <= maxBytes) return part;
  return part.kind === 'text' && maxBytes > 0 ? text(beginningOf(part.text, maxBytes)) : undefined;
}

function bytesOf(part: ModelPart): number {
  switch (part.kind) {
    case 'text':
      return utf8ToBytes(part.text).length;
    case 'media':
      return part.data.length;
    case 'json':
      return utf8ToBytes(JSON.stringify(part.value) ?? '').length;
    default:
      return part satisfies never;
  }
}

// A character has at most three bytes for each UTF-16 unit, so the loop ends after a few halves. A pair of surrogates is
// never cut.
function beginningOf(words: string, maxBytes: number): string {
  let end = Math.min(words.length, maxBytes);
  while (utf8ToBytes(words.slice(0, end)).length > maxBytes) end = Math.floor((end * 3) / 4);
  return words.slice(0, end).replace(/[\ud800-\udbff]$/, '');
}
