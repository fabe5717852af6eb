/** How one scenario of the suite went. */
export interface ScenarioResult {
  scenario: string;
  passed: boolean;
  /** What the suite found wrong, a line each. */
  findings: readonly string[];
}

/** The scenarios that are counted, and those of them that may fail. */
export interface Expectations {
  required: readonly string[];
  auth: readonly string[];
  /** By scenario: why it fails. */
  expectedFailures: Readonly<Record<string, string>>;
}

export interface Verdict {
  /** A line for each scenario that went otherwise than expected. Empty: the run passes. */
  problems: string[];
  /** For example `conformance: 18/18 required, 29/33 auth`. */
  summary: string;
}

/**
 * Judges a run. It passes if every scenario passes except for those that are expected to fail, and if each of those
 * does fail, so that the list of expected failures stays true. A required scenario must pass whatever the list says.
 */
export function verdictOf(
  results: readonly ScenarioResult[],
  { required, auth, expectedFailures }: Expectations,
): Verdict {
  const passed = new Set(results.filter((result) => result.passed).map(({ scenario }) => scenario));
  const counted = new Set([...required, ...auth]);
  const expected = new Set(Object.keys(expectedFailures));
  const count = (names: readonly string[]) =>
    `${names.filter((name) => passed.has(name)).length}/${names.length}`;
  return {
    problems: [
      // Otherwise a suite that lists none in the form that is read here would pass.
      ...(required.length === 0 && auth.length === 0 ? ['there is no scenario to run'] : []),
      ...required
        .filter((name) => expected.has(name))
        .map((name) => `${name} is required and cannot be expected to fail`),
      ...[...expected]
        .filter((name) => !counted.has(name))
        .map((name) => `${name} is expected to fail and does not exist`),
      ...[...counted]
        .filter((name) => !passed.has(name) && !expected.has(name))
        .map((name) => `${name} failed`),
      ...[...expected]
        .filter((name) => passed.has(name))
        .map((name) => `${name} passed and is expected to fail`),
    ],
    summary: `conformance: ${count(required)} required, ${count(auth)} auth`,
  };
}
