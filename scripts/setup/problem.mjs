/** An expected failure. Setup prints its message, which says what is missing and what to do. */
export class Problem extends Error {}

/** Prints progress to stderr, because `npm run demo -- --json` prints JSON to stdout. */
export function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}
