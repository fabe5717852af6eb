/**
 * Reads the configuration of a role from the environment. No other folder may read `process.env`. `settings.ts` has the
 * settings of each role, `role-schemas.ts` the variables that they are read from, and docs/configuration.md the
 * reference.
 */
import type { z } from 'zod';
import { type ApiAccess, apiAccessSchema } from './api-access.ts';
import { type Environment, type VariableHelp, variablesOf } from './part.ts';
import type { ConfigProblem } from './problem.ts';
import { roleSchemas } from './role-schemas.ts';
import type { Config, Role } from './settings.ts';
import { packageVersion } from './version.ts';

export type { ApiAccess } from './api-access.ts';
export type { JwtVerification } from './jwt.ts';
export type { MetricsAddress } from './metrics.ts';
export type { OidcConfig } from './oidc.ts';
export { type ConfigProblem, ConfigurationRefused, formatProblems } from './problem.ts';
export { Secret } from './secret.ts';
export type { Config, DevConfig, OperatorConfig, Role, ServerConfig, WorkerConfig } from './settings.ts';
export type { TemporalConfig, TemporalConnection } from './temporal.ts';
export type { TracesConfig } from './traces.ts';
export type { WebhookConfig } from './webhooks.ts';

export type LoadedConfig<R extends Role> =
  | { ok: true; config: Config<R> }
  | { ok: false; problems: ConfigProblem[] };

/**
 * Returns a role's configuration, or every problem with it at once. An empty variable counts as unset. Problems name
 * variables and never hold a value.
 */
export function loadConfig<R extends Role>(
  role: R,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): LoadedConfig<R> {
  const env = setVariables(environment);
  const parsed = roleSchemas[role].safeParse(env);
  const problems = problemsOf(parsed.error);
  if (!parsed.success || problems.length > 0) return { ok: false, problems };
  return { ok: true, config: { ...parsed.data, version: packageVersion() } };
}

/** Returns how a command over the HTTP API reaches it, or every problem with its variables at once. */
export function loadApiAccess(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): { ok: true; access: ApiAccess } | { ok: false; problems: ConfigProblem[] } {
  const parsed = apiAccessSchema.safeParse(setVariables(environment));
  if (parsed.success) return { ok: true, access: parsed.data };
  return { ok: false, problems: problemsOf(parsed.error) };
}

/** The variables of commands over the HTTP API. */
export function variablesOfApiAccess(): readonly VariableHelp[] {
  return variablesOf(apiAccessSchema);
}

/** Returns each variable of a role once. If two settings read a variable, the later one describes it. */
export function variablesOfRole(role: Role): VariableHelp[] {
  return [...new Map(variablesOf(roleSchemas[role]).map((help) => [help.name, help])).values()];
}

function setVariables(environment: Readonly<Record<string, string | undefined>>): Environment {
  const set = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && (entry[1] !== '' || isRemoval(entry[0])),
  );
  return Object.fromEntries(set);
}

/** An empty `TEMPORAL_GRPC_META_*` removes the header that the profile names. */
function isRemoval(name: string): boolean {
  return name.startsWith('TEMPORAL_GRPC_META_');
}

/** Leaves out repeated problems: each setting that depends on a variable reports it. */
function problemsOf(error: z.ZodError | undefined): ConfigProblem[] {
  const problems = (error?.issues ?? []).map((issue) => ({
    variable: String(issue.path.at(-1)),
    problem: issue.message,
  }));
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}
