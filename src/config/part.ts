import { z } from 'zod';

/** The environment variables that are set. An empty one counts as unset. */
export type Environment = Readonly<Record<string, string>>;

/** Reports a problem with a variable. The problem must not contain the value. */
export type Report = (variable: string, problem: string) => void;

/** One setting. It is read from the whole environment because it may depend on several variables. */
export type Part<T> = z.ZodType<T>;

/** What `--help` says about a variable. Never a value that is set. */
export interface VariableHelp {
  name: string;
  meaning: string;
  /** What applies if it is not set, or `required`. */
  unset: string;
}

/** A setting that `read` returns. Its result is dropped if it reported a problem. */
export function part<T>(
  read: (env: Environment, report: Report) => T,
  variables: readonly VariableHelp[] = [],
): Part<T> {
  const reading = z.custom<Environment>().transform((env, ctx) =>
    read(env, (variable, problem) => {
      ctx.addIssue({ code: 'custom', path: [variable], message: problem });
    }),
  );
  return reading.meta({ variables });
}

/** Returns the variables that a part reads. Those of `readAll` are in the order of its settings. */
export function variablesOf(schema: z.ZodType): readonly VariableHelp[] {
  // The cast trusts `part` and `readAll`, which alone write this metadata.
  return (schema.meta()?.variables ?? []) as readonly VariableHelp[];
}

/**
 * A setting that is the value of one variable.
 *
 * @param unset what applies without it, for `--help`. Default: what the schema returns for undefined
 */
export function variable<T>(
  name: string,
  schema: z.ZodType<T, string | undefined>,
  meaning: string,
  unset = whenUnset(schema),
): Part<T> {
  return part((env, report) => parseVariable(name, schema, env, report), [{ name, meaning, unset }]);
}

function whenUnset(schema: z.ZodType): string {
  const { success, data } = schema.safeParse(undefined);
  if (!success) return 'required';
  return data === undefined ? 'off' : `default ${data}`;
}

/**
 * Returns the value of a variable, or `z.NEVER` after reporting its problems.
 *
 * @param schema must have messages of its own: the operator sees them, and zod's own messages may quote values
 */
export function parseVariable<T>(
  name: string,
  schema: z.ZodType<T, string | undefined>,
  env: Environment,
  report: Report,
): T {
  const parsed = schema.safeParse(env[name]);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) report(name, issue.message);
  return z.NEVER;
}

/** Reads every part from the same environment, so that a bad part does not hide the problems of the others. */
export function readAll<Shape extends Record<string, z.ZodType>>(shape: Shape) {
  const reading = z.preprocess(
    (env) => Object.fromEntries(Object.keys(shape).map((name) => [name, env])),
    z.object(shape),
  );
  return reading.meta({ variables: Object.values(shape).flatMap(variablesOf) });
}
