/** Why a part can't be had, and what to do about it: the one message that setup ends with. */
export class Problem extends Error {}

/** Progress goes to stderr: `npm run demo -- --json` keeps stdout for its own lines. */
export function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}
