import { dottedPath } from './dotted-path.ts';
import { walkNumbers } from './inexact-numbers.ts';

/** What is wrong with one number; never its value. */
export interface NumberProblem {
  /** Such as `arguments.id`; empty for the whole. */
  path: string;
  message: string;
}

const MAX_FOUND = 100;
const MAX_NAMED = 10;

/** The first hundred numbers of a JSON text that would be rounded. */
export function numbersNotExact(json: string): NumberProblem[] {
  const search = findNumbersNotExact(json);
  for (;;) {
    const step = search.next();
    if (step.done) return step.value;
  }
}

/** The same in steps, for callers that share their thread with others. */
export function* findNumbersNotExact(json: string): Generator<void, NumberProblem[]> {
  const problems: NumberProblem[] = [];
  for (const number of walkNumbers(json)) {
    yield;
    if (number === undefined) continue;
    problems.push({
      path: dottedPath(number.path),
      message: 'is a number that JSON readers would round: send it as a string',
    });
    if (problems.length === MAX_FOUND) break;
  }
  return problems;
}

/** One sentence that names the places. */
export function describeNumbers(problems: readonly NumberProblem[]): string {
  const named = problems.slice(0, MAX_NAMED).map(({ path, message }) => `${path || 'it'} ${message}`);
  const others = problems.length - named.length;
  return [...named, ...(others > 0 ? [`and ${others} more`] : [])].join('; ');
}
