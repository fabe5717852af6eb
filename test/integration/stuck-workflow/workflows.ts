import { condition, defineSignal, setHandler } from '@temporalio/workflow';

/** Ends the wait. */
export const go = defineSignal('go');

/** Keeps its thread busy for good once it is told to go on: in promises, where an interruption does most harm. */
export async function stuck(): Promise<void> {
  let gone = false;
  setHandler(go, () => {
    gone = true;
  });
  await condition(() => gone);
  for (;;) await Promise.resolve();
}

/** The same, without waiting for anything: in its first task. */
export async function stuckAtOnce(): Promise<void> {
  for (;;) await Promise.resolve();
}

/** Takes no time at all. */
export async function quick(): Promise<string> {
  return 'done';
}
