/** A problem with one environment variable. Never contains or describes its value. */
export interface ConfigProblem {
  variable: string;
  problem: string;
}

/** Formats the problems for a terminal, one a line. */
export function formatProblems(problems: readonly ConfigProblem[]): string {
  const heading = problems.length === 1 ? 'One problem' : `${problems.length} problems`;
  const lines = problems.map(({ variable, problem }) => `  ${variable}: ${problem}`);
  return [`${heading} with the configuration:`, ...lines].join('\n');
}

/** The configuration is valid in itself but does not fit the database. */
export class ConfigurationRefused extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(formatProblems(problems));
    this.name = 'ConfigurationRefused';
    this.problems = problems;
  }
}
