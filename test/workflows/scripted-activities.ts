import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { LatchkeyActivities } from '../../src/contracts/activities.ts';

export type ActivityName = keyof LatchkeyActivities;
export type Input<N extends ActivityName> = Parameters<LatchkeyActivities[N]>[0];
export type Outcome<N extends ActivityName> = Awaited<ReturnType<LatchkeyActivities[N]>>;

/** What an activity answers next, or how it comes to its answer. */
export type Scene<N extends ActivityName> = Outcome<N> | (() => Promise<Outcome<N>>);

/** What each activity of one workflow answers, call by call. */
export type Script = { [N in ActivityName]?: Scene<N>[] };

export const CONNECT_URL = 'https://latchkey.example/connect/ledger';

/** What activities answer that a test has nothing to say about; the others fail without a scene. */
const BY_DEFAULT: { [N in ActivityName]?: Outcome<N> } = {
  registerWaiter: { wait: true, connectUrl: CONNECT_URL },
  removeWaiter: undefined,
  // What is said of the tools of a server that is not trusted.
  describeTool: { kind: 'described' },
};

/** One workflow's script, and what has been played of it. */
export class Play {
  readonly #calls: { name: ActivityName; input: unknown }[] = [];
  readonly #left: Script;

  constructor(script: Script) {
    this.#left = copyOf(script);
  }

  /** The activities in the order in which they were called, attempts counted singly. */
  get order(): ActivityName[] {
    return this.#calls.map((call) => call.name);
  }

  inputs<N extends ActivityName>(name: N): Input<N>[] {
    // The cast repeats what `next` took in under this name.
    return this.#calls.filter((call) => call.name === name).map((call) => call.input as Input<N>);
  }

  async next<N extends ActivityName>(name: N, input: Input<N>): Promise<Outcome<N>> {
    this.#calls.push({ name, input });
    const scenes = this.#left[name] ?? [];
    if (scenes.length === 0 && !(name in BY_DEFAULT)) {
      throw ApplicationFailure.nonRetryable(`no scene is left for ${name}`);
    }
    const scene = scenes.length === 0 ? BY_DEFAULT[name] : scenes.shift();
    // The casts name what the types of Script say; TypeScript loses it behind the type parameter.
    return typeof scene === 'function' ? (scene as () => Promise<Outcome<N>>)() : (scene as Outcome<N>);
  }
}

/** Activities by their Temporal names; each plays the script of the workflow that called it. */
export function scriptedActivities(playOf: (workflowId: string) => Play): LatchkeyActivities {
  const play = <N extends ActivityName>(name: N, input: Input<N>) =>
    playOf(Context.current().info.workflowExecution?.workflowId ?? '').next(name, input);
  return {
    invokeTool: (input) => play('invokeTool', input),
    describeTool: (input) => play('describeTool', input),
    checkArguments: (input) => play('checkArguments', input),
    listTools: (input) => play('listTools', input),
    refreshToken: (input) => play('refreshToken', input),
    registerWaiter: (input) => play('registerWaiter', input),
    removeWaiter: () => play('removeWaiter', undefined),
    signalWaiters: (input) => play('signalWaiters', input),
    signalStepsOfServer: (input) => play('signalStepsOfServer', input),
    endServerResumption: (input) => play('endServerResumption', input),
    startLostWork: () => play('startLostWork', undefined),
    revokeGrant: (input) => play('revokeGrant', input),
    listServersWithIdleGrants: (input) => play('listServersWithIdleGrants', input),
    renewIdleGrants: (input) => play('renewIdleGrants', input),
    deleteExpired: () => play('deleteExpired', undefined),
    deliverWebhook: (event) => play('deliverWebhook', event),
  };
}

/** A scene that says when it has begun, so that a test can act while the activity runs. */
export interface OngoingScene<T> {
  (): Promise<T>;
  readonly reached: Promise<void>;
}

export interface HeldScene<T> extends OngoingScene<T> {
  release(): void;
}

/** A scene that lasts until the test releases it. */
export function held<T>(outcome: T): HeldScene<T> {
  const called = createLatch();
  const released = createLatch();
  const scene = async () => {
    called.open();
    await released.opened;
    return outcome;
  };
  return Object.assign(scene, { reached: called.opened, release: released.open });
}

/** A scene that ends when its activity is told that it is cancelled, and then answers all the same. */
export function untilCancelled<T>(outcome: T): OngoingScene<T> {
  const called = createLatch();
  const scene = async () => {
    const context = Context.current();
    const beating = setInterval(() => context.heartbeat(), 20);
    called.open();
    await context.cancelled.catch(() => undefined);
    clearInterval(beating);
    return outcome;
  };
  return Object.assign(scene, { reached: called.opened });
}

/** A scene that ends when its worker is shut down, as a call does that outlasts the grace time. */
export function untilShutdown(): OngoingScene<never> {
  const called = createLatch();
  const scene = () => {
    called.open();
    return Context.current().cancelled;
  };
  return Object.assign(scene, { reached: called.opened });
}

/** A scene that throws, as a bug or broken infrastructure would. */
export function throwing(failure: Error): () => Promise<never> {
  return () => Promise.reject(failure);
}

function createLatch(): { opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

function copyOf(script: Script): Script {
  return Object.fromEntries(Object.entries(script).map(([name, scenes]) => [name, [...scenes]]));
}
