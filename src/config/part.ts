import { z } from 'zod';

/** Environment variables that are set; an empty string counts as unset and is not among them. */
export type Environment = Readonly<Record<string, string>>;

/** Names what is wrong with a variable, without its value. */
export type Report = (variable: string, problem: string) => void;

/** One setting, read from the whole environment because it may depend on several variables. */
export type Part<T> = z.ZodType<T>;

/** What `--help` says of a variable: never a value that somebody set. */
export interface VariableHelp {
  name: string;
  meaning: string;
  /** What holds where it is not set, or `required`. */
  unset: string;
}

/** A setting that `read` makes; whatever it returns is dropped if it reported a problem. */
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

/** The variables that a part reads, those of `readAll` in the order of its settings. */
export function variablesOf(schema: z.ZodType): readonly VariableHelp[] {
  // The cast trusts `part` and `readAll`: they alone write it.
  return (schema.meta()?.variables ?? []) as readonly VariableHelp[];
}

/**
 * A setting that is one variable.
 *
 * @param unset what `--help` says holds without it. Default: what the schema makes of nothing
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
 * The value of a variable; `z.NEVER` after a report.
 *
 * `schema` must state its own messages: they are shown to the operator, and zod's own might quote values.
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

/** Reads every part from the same environment, so that one bad part hides no other's problems. */
export function readAll<Shape extends Record<string, z.ZodType>>(shape: Shape) {
  const reading = z.preprocess(
    (env) => Object.fromEntries(Object.keys(shape).map((name) => [name, env])),
    z.object(shape),
  );
  return reading.meta({ variables: Object.values(shape).flatMap(variablesOf) });
}
