import type { ArgumentProblem, ArgumentsChecker } from '../mcp/check-arguments-in-thread.ts';
import type { ArgumentsView, FormValues } from '../web/arguments-form/form-field.ts';
import { argumentsIn, type ReadArguments, readArguments } from '../web/arguments-form/read-arguments.ts';

interface EnteredArguments {
  /** The tool's input schema. */
  schema: Record<string, unknown>;
  /** The fields of the form, among others. */
  fields: FormValues;
  view: ArgumentsView;
  /** What the form was made from. Undefined: it began empty. */
  original?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Reads arguments that a person entered, and checks them against the tool's schema. Arguments whose check takes too long
 * count as good: the worker or the server judges them again.
 */
export async function readEnteredArguments(
  checker: Pick<ArgumentsChecker, 'findProblems'>,
  { schema, fields, view, original }: EnteredArguments,
): Promise<ReadArguments> {
  const read = await readArguments(schema, fields, view, original);
  if (read.kind === 'refused') {
    const { readable } = read;
    const checked = readable && (await checker.findProblems(schema, readable));
    return checked?.kind === 'invalid' ? withComplaints(read, checked.problems) : read;
  }
  const checked = await checker.findProblems(schema, read.arguments);
  if (checked.kind !== 'invalid') return read;
  return { kind: 'refused', problems: checked.problems, values: argumentsIn(fields) };
}

type Refused = Extract<ReadArguments, { kind: 'refused' }>;

/**
 * Adds what the schema says about the arguments that could be read, so that a person learns all at once. What it says of
 * the others, or of the whole, is about arguments that nobody entered.
 */
export function withComplaints(read: Refused, complaints: readonly ArgumentProblem[]): Refused {
  const unread = new Set(read.problems.map(({ path }) => path[0]));
  const others = complaints.filter(({ path }) => path[0] !== undefined && !unread.has(path[0]));
  return { ...read, problems: [...read.problems, ...others] };
}
