import { expect, vi } from 'vitest';
import type { StepView } from '../../../src/contracts/step.ts';
import type { TypescriptProcess } from '../../support/child-process.ts';
import type { AgentWorld } from './agent-world.ts';
import type { PackedProject } from './packed-project.ts';

/** What differs between the examples of the frameworks. */
export interface BookkeeperExample {
  project: PackedProject;
  /** The names of `create_invoice` of `ledger` and `send_message` of `mail` for the model. */
  createInvoice: string;
  sendMessage: string;
}

const MODEL = 'scripted-bookkeeper';
const ANSWER = 'The invoice is written, and Ann knows.';
const EDITED = { customer: 'ACME', amount: 7 };

/**
 * Plays an example's agent for a user who has connected nothing at first. The user edits and approves a write, the
 * agent's worker is killed during that call and Latchkey's worker during the next one, and the model gives both calls
 * the same id. Expects each tool to have run once, and the model to have seen both results.
 */
export async function playBookkeeper(agents: AgentWorld, example: BookkeeperExample): Promise<void> {
  const processes: TypescriptProcess[] = [];
  const run: Run = (file, ...args) => {
    const started = example.project.start(file, { ...agents.environment, MODEL }, ...args);
    processes.push(started);
    return started;
  };
  try {
    await play(agents, example, run);
  } finally {
    await Promise.all(processes.map((one) => one.kill()));
  }
}

type Run = (file: string, ...args: string[]) => TypescriptProcess;

async function play(agents: AgentWorld, example: BookkeeperExample, run: Run): Promise<void> {
  const user = agents.world.users.newUser();
  const { ledger, mail } = agents.servers;
  agents.models.script(MODEL, [
    { call: [{ tool: example.createInvoice, arguments: { customer: 'ACME', amount: 42 }, id: 'same' }] },
    { call: [{ tool: example.sendMessage, arguments: { to: 'ann', text: '7 for ACME' }, id: 'same' }] },
    { say: ANSWER },
  ]);
  const latchkey = await agents.startWorker();
  const worker = run('worker.ts');
  const client = run('start.ts', user, 'Invoice ACME, and tell Ann.');
  expect(await client.nextLine()).toMatch(/^bookkeeper-\d+ has begun$/);

  // No consent at the start: the model is not asked before the user has connected both servers.
  await vi.waitFor(async () => expect(await agents.world.steps.waiting(user)).not.toEqual([]), LONG);
  expect(agents.models.requests(MODEL)).toEqual([]);
  await agents.connect(user, 'ledger');
  await agents.connect(user, 'mail');

  // A write that is approved with an edit. The agent's worker dies during the call.
  const written = ledger.control.interceptTools({ do: 'hold-after-execution' }, { user });
  const { stepId } = await pausedStep(agents, user, 'needs-approval');
  await decide(agents, user, `POST /steps/${stepId}/approve`, { arguments: EDITED });
  await written.reached();
  await worker.kill();
  written.release();

  // Latchkey's worker dies during the next call, after the tool has run. A person finds out that it has.
  const sent = mail.control.interceptTools({ do: 'hold-after-execution' }, { user });
  run('worker.ts');
  await sent.reached();
  await latchkey.kill();
  sent.release();
  await agents.startWorker();
  const lost = await pausedStep(agents, user, 'outcome-unknown');
  const result = { content: [{ type: 'text', text: 'sent to ann' }] };
  await decide(agents, user, `POST /steps/${lost.stepId}/resolve`, { action: 'succeed', result });

  expect(await client.nextLine()).toBe(ANSWER);
  expect(ledger.calls({ user })).toMatchObject([{ tool: 'create_invoice', arguments: EDITED }]);
  expect(mail.calls({ user })).toMatchObject([{ tool: 'send_message' }]);
  const outputs = JSON.stringify(agents.models.requests(MODEL).at(-1)?.outputs);
  expect(outputs).toMatch(/INV-\d+ over 7 for ACME.*sent to ann/);
}

/** Processes bundle workflows and start on a busy machine. */
const LONG = { timeout: 90_000, interval: 200 };

/** Resolves to the user's paused step, when there is one. */
export function pausedStep(
  agents: AgentWorld,
  user: string,
  reason: StepView['awaitingInputReason'],
): Promise<StepView> {
  return vi.waitFor(async () => {
    const { body } = await agents.api.ask(user, 'GET /steps?limit=10');
    // The cast trusts the contract of the route.
    const { steps } = body as { steps: StepView[] };
    const paused = steps.find(({ awaitingInputReason }) => awaitingInputReason === reason);
    if (paused === undefined) throw new Error(`no step has ${reason}: ${JSON.stringify(steps)}`);
    return paused;
  }, LONG);
}

async function decide(agents: AgentWorld, user: string, request: string, body: object): Promise<void> {
  expect(await agents.api.ask(user, request, body)).toMatchObject({ status: 200 });
}
