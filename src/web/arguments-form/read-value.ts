import { isExactNumber } from '../../contracts/exact-number.ts';
import type { FieldInput } from './form-field.ts';
import { choiceText } from './form-values.ts';

/** A text of a form, as a JSON value. */
type ReadValue = { kind: 'value'; value: unknown } | { kind: 'refused'; message: string };

type PlainInput = Exclude<FieldInput, { kind: 'json' }>;

/** RFC 8259 §6. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const MAX_NUMBER_CHARACTERS = 400;
const MAX_LINES = 10_000;

/** Reads a text that is not empty. Other limits of the schema are checked with all arguments. */
export function readValue(input: PlainInput, text: string): ReadValue {
  switch (input.kind) {
    case 'text':
      return valued(withPlainLineBreaks(text));
    case 'number':
      return readNumber(text, input.isWhole);
    case 'boolean':
      return text === 'true' || text === 'false' ? valued(text === 'true') : refused('must be yes or no');
    case 'choice': {
      const choice = input.choices.find(({ value }) => choiceText(value) === text);
      return choice === undefined ? refused('must be one of the choices') : valued(choice.value);
    }
    case 'lines':
      return readLines(text, input.entry);
    default:
      return input satisfies never;
  }
}

/** Browsers send every line break of a form as CR LF. https://html.spec.whatwg.org/#constructing-the-form-data-set */
export function withPlainLineBreaks(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

function readNumber(text: string, isWhole: boolean): ReadValue {
  const literal = text.trim();
  if (literal.length > MAX_NUMBER_CHARACTERS || !NUMBER.test(literal)) {
    return refused(isWhole ? 'must be a whole number, such as 12' : 'must be a number, such as 12.5');
  }
  if (!isExactNumber(literal)) return refused(NOT_EXACT);
  const value = Number(literal);
  return isWhole && !Number.isInteger(value) ? refused('must be a whole number, such as 12') : valued(value);
}

/** The problem `number-not-exact` of the HTTP API, for people. */
export const NOT_EXACT = 'has more digits than can be sent exactly: the number would be rounded';

function readLines(text: string, entry: Extract<FieldInput, { kind: 'lines' }>['entry']): ReadValue {
  const lines = withPlainLineBreaks(text)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.length > MAX_LINES) return refused(`must have at most ${MAX_LINES} lines`);
  if (entry === 'text') return valued(lines);
  const numbers = lines.map((line) => readNumber(line, entry === 'whole-number'));
  const at = numbers.findIndex(({ kind }) => kind === 'refused');
  const problem = numbers[at];
  return problem?.kind === 'refused'
    ? refused(`has a problem in line ${at + 1}: it ${problem.message}`)
    : valued(numbers.map((number) => (number.kind === 'value' ? number.value : null)));
}

function valued(value: unknown): ReadValue {
  return { kind: 'value', value };
}

function refused(message: string): ReadValue {
  return { kind: 'refused', message };
}
