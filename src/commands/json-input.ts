import { describeNumbers, numbersNotExact } from '../contracts/number-problems.ts';
import { CommandRefused } from './command-refused.ts';
import { readSource, SOURCES, sourceOf } from './input-source.ts';

/** How the help names an option's JSON. */
export const JSON_INPUT = `a JSON object, or ${SOURCES}`;

/**
 * Reads a JSON object that is given itself or by its source. Numbers that JavaScript would round are refused here,
 * because they can't be found any more once they are parsed.
 *
 * @param option the option that has it, such as `--arguments`
 * @throws CommandRefused
 */
export async function readJsonObject(option: string, value: string): Promise<Record<string, unknown>> {
  const source = sourceOf(value);
  const json = source === undefined ? value : await readSource(source);
  const object = parsedObject(json);
  if (object === undefined) throw new CommandRefused(`${option} must be ${JSON_INPUT}.`);
  const problems = numbersNotExact(json);
  if (problems.length > 0) throw new CommandRefused(`${option}: ${describeNumbers(problems)}.`);
  return object;
}

function parsedObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    // The cast names what was checked.
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
