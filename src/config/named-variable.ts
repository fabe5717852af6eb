/** Returns the value of a variable that the person names on the command line. Undefined: unset or empty. */
export function readNamedVariable(
  name: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  return environment[name] === '' ? undefined : environment[name];
}
