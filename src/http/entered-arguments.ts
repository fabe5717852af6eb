import { isDeepStrictEqual } from 'node:util';
import type { ArgumentProblem, ArgumentsChecker } from '../mcp/check-arguments-in-thread.ts';
import type { ArgumentsForm, ArgumentsView, FormValues } from '../web/arguments-form/form-field.ts';
import { argumentsIn, type ReadArguments, readArguments } from '../web/arguments-form/read-arguments.ts';

interface EnteredArguments {
  /** The tool's input schema. Undefined: it can't be read now, so nothing is checked. */
  schema: Record<string, unknown> | undefined;
  /** From the schema. */
  form: ArgumentsForm;
  /** The fields of the form, among others. */
  fields: FormValues;
  view: ArgumentsView;
  /** What the form was made from. Undefined: it began empty. */
  original?: Readonly<Record<string, unknown>> | undefined;
}

/** Checks nothing. For showing the arguments in another view, which does not need complete ones. */
export const UNCHECKED = { findProblems: async () => ({ kind: 'unchecked' as const }) };

/**
 * Reads arguments that a person entered, and checks them against the tool's schema unless they are those that the form
 * was made from. Arguments whose check takes too long count as valid: the worker or the server checks them again.
 */
export async function readEnteredArguments(
  checker: Pick<ArgumentsChecker, 'findProblems'>,
  { schema, form, fields, view, original }: EnteredArguments,
): Promise<ReadArguments> {
  const read = await readArguments(form, fields, view, original);
  const args = read.kind === 'read' ? read.arguments : read.readable;
  if (schema === undefined || args === undefined || isDeepStrictEqual(args, original)) return read;
  const checked = await checker.findProblems(schema, args);
  if (checked.kind !== 'invalid') return read;
  if (read.kind === 'refused') return withComplaints(read, checked.problems);
  return { kind: 'refused', problems: checked.problems, values: argumentsIn(fields) };
}

type Refused = Extract<ReadArguments, { kind: 'refused' }>;

/**
 * Adds the schema's complaints about the arguments that could be read, so that a person sees all complaints at once.
 * Leaves out complaints about other arguments or the whole object: they are about values that the person did not enter.
 */
function withComplaints(read: Refused, complaints: readonly ArgumentProblem[]): Refused {
  const unread = new Set(read.problems.map(({ path }) => path[0]));
  const others = complaints.filter(({ path }) => path[0] !== undefined && !unread.has(path[0]));
  return { ...read, problems: [...read.problems, ...others] };
}
