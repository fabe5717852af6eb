import { dottedPath } from '../../contracts/json-path.ts';
import type { ArgumentProblem } from '../../mcp/check-arguments-in-thread.ts';
import { asSentence } from '../as-sentence.ts';
import { shortText } from '../short-text.ts';

const MAX_MESSAGE = 300;

/** The problems of one field, as one text. Undefined: it has none. */
export function problemsAt(problems: readonly ArgumentProblem[], property: string): string | undefined {
  const own = problems.filter(({ path }) => path[0] === property);
  if (own.length === 0) return undefined;
  return own
    .slice(0, 3)
    .map(({ path, message }) => problemSentence(inside(path.slice(1), message)))
    .join(' ');
}

/** Writes a message that follows a name as a sentence of its own. */
export function problemSentence(message: string): string {
  return asSentence(shortText(message, MAX_MESSAGE));
}

/** Such as `lines.0.id must be a number`. */
export function inside(path: ArgumentProblem['path'], message: string): string {
  return path.length === 0 ? message : `${dottedPath(path)} ${message}`;
}
