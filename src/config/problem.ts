/** What is wrong with one variable of the environment. Never holds, quotes or paraphrases its value. */
export interface ConfigProblem {
  variable: string;
  problem: string;
}

/** One line a problem, for an operator's terminal. */
export function formatProblems(problems: readonly ConfigProblem[]): string {
  const heading = problems.length === 1 ? 'One problem' : `${problems.length} problems`;
  const lines = problems.map(({ variable, problem }) => `  ${variable}: ${problem}`);
  return [`${heading} with the configuration:`, ...lines].join('\n');
}

/** A configuration that is right by itself and does not fit what it is for. */
export class ConfigurationRefused extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(formatProblems(problems));
    this.name = 'ConfigurationRefused';
    this.problems = problems;
  }
}
