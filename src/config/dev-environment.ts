type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Returns the environment, completed by what a running `latchkey dev` uses. Where `DATABASE_URL` is set, the environment
 * is that of other services, and nothing of `dev` is mixed into it.
 */
export function withDevEnvironment(
  dev: Variables | undefined,
  environment: Variables = process.env,
): Variables {
  const isOfOthers = environment.DATABASE_URL !== undefined && environment.DATABASE_URL !== '';
  if (dev === undefined || isOfOthers) return environment;
  const set = Object.entries(environment).filter(([, value]) => value !== '');
  return { ...dev, ...Object.fromEntries(set) };
}
