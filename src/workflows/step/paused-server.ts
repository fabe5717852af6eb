/**
 * The wait for a server that an admin has paused. The step waits for the signal `serverResumed` and has no deadline. A
 * long timer makes up for a signal that never comes.
 */
import { type Obstacle, SERVER_PAUSED } from '../../contracts/activities.ts';
import { withJitter } from '../../contracts/backoff.ts';
import { code } from '../../contracts/summaries.ts';
import { waitAtMost } from './continue-as-new.ts';
import { extendOutages, showing } from './obstacles.ts';
import type { Reaction, Step } from './step.ts';
import { forgetRenewals, type StepProgress } from './step-progress.ts';

/** Each look at the server's switch costs 11 events of history. With jitter, so that not all steps look together. */
const LOOK_AGAIN = { ms: 60 * 60_000, jitter: { from: 0.75, spread: 0.25 } };

export function isServerPaused(obstacle: Obstacle): boolean {
  return obstacle.kind === 'not-sent' && obstacle.cause === SERVER_PAUSED;
}

/** Waits until the server is resumed. This is not an outage, so its time does not count towards one. */
export async function waitWhilePaused(step: Step): Promise<Reaction> {
  const { record, progress } = step;
  // Noted once, because a pause may last for weeks.
  if (progress.serverPaused === undefined) record.note('server-paused');
  const since = Date.now();
  progress.serverPaused = { wait: { since, until: since + withJitter(LOOK_AGAIN.ms, LOOK_AGAIN.jitter) } };
  await waitUntilResumed(step);
  return 'try-again';
}

/** Waits for the end of the pause that was found last, also in a new run. */
export async function waitUntilResumed(step: Step): Promise<void> {
  const { progress, server } = step;
  const wait = progress.serverPaused?.wait;
  if (wait === undefined) return;
  const summary = `server ${code(step.plan.mcpServerId)} is paused`;
  const isTold = await showing(step, `Waiting: ${summary}`, () =>
    waitAtMost(step, { ms: wait.until - Date.now(), isOver: () => server.isHintedResumed, summary }),
  );
  progress.serverPaused = {};
  if (isTold) noteResumed(step);
  forgetRenewals(progress);
  extendDeadlines(progress, Date.now() - wait.since);
}

/** Call this after an attempt that did not find the server paused. */
export function noteResumed({ progress, record }: Step): void {
  if (progress.serverPaused === undefined) return;
  delete progress.serverPaused;
  record.note('server-resumed');
}

function extendDeadlines(progress: StepProgress, ms: number): void {
  extendOutages(progress, ms);
  // A forged deposit signal may have interrupted a pause for reconnection, which goes on after this wait.
  if (progress.reauth !== undefined) progress.reauth.deadline += ms;
}
