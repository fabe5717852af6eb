import { InvalidArgumentError } from 'commander';
import { parseDuration, timeoutProblem } from '../contracts/durations.ts';
import { present } from '../contracts/present.ts';
import type { StepTimeouts } from '../contracts/step.ts';
import { stepIdSchema } from '../schemas/id.ts';

export const STEP_ID = ['<step>', "the step's id", parseStepId] as const;

export const FOR = [
  '--for <duration>',
  'follow it for no longer than this, such as 30s or 10m (default: to its end)',
  parseMilliseconds,
] as const;

export const PAUSE = [
  '--pause <at>',
  'decide only about this pause: `at` of the timeline entry awaiting-input that you saw',
] as const;

/** The ids `.` and `..` have no address in the HTTP API, because clients resolve them as path segments. */
export function parseStepId(text: string): string {
  const id = stepIdSchema.safeParse(text);
  if (id.success && !['.', '..'].includes(text)) return id.data;
  throw new InvalidArgumentError('1–128 of A–Z a–z 0–9 . _ ~ -, not . or ..');
}

export function parseMilliseconds(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('a duration such as 30s, 5m or 2h');
  return ms;
}

const TIMEOUTS = ['call', 'approval', 'reauth', 'resolution', 'unavailable'] as const;

export const TIMEOUT = [
  '--timeout <name=duration>',
  `a time limit of the step: ${TIMEOUTS.join(', ')}; can be repeated`,
  collectTimeouts,
] as const;

function collectTimeouts(text: string, timeouts: StepTimeouts = {}): StepTimeouts {
  const [, name, duration = ''] = /^([a-z]+)=(.*)$/s.exec(text) ?? [];
  const timeout = TIMEOUTS.find((one) => one === name);
  if (timeout === undefined)
    throw new InvalidArgumentError(`<name>=<duration>, with one of ${TIMEOUTS.join(', ')}`);
  const problem = timeoutProblem(timeout, duration);
  if (problem !== undefined) throw new InvalidArgumentError(`${timeout} ${problem}`);
  return present({ ...timeouts, [timeout]: duration });
}
