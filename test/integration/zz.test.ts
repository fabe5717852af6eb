import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorld, type World } from '../support/world.ts';
let world: World;
beforeAll(async () => { world = await createWorld(); });
afterAll(() => world.stop());
const out: string[] = [];
const t0 = Date.now();
const log = (s: string) => out.push(`${Date.now() - t0} ${s}`);
test('x', async () => {
  const wf = world.temporal.client.workflowService as any;
  for (const name of ['getWorkflowExecutionHistory', 'queryWorkflow', 'describeWorkflowExecution', 'requestCancelWorkflowExecution']) {
    const orig = wf[name];
    wf[name] = async function (r: any) {
      const id = (r.execution ?? r.workflowExecution)?.workflowId?.slice(-6);
      const s = Date.now();
      log(`${id} ${name} start token=${r.nextPageToken?.length}`);
      try { const a = await (orig as any).apply(this, arguments); log(`${id} ${name} ${Date.now() - s} events ${a.history?.events?.length} token ${a.nextPageToken?.length}`); return a; }
      catch (e: any) { log(`${id} ${name} ${Date.now() - s} failed ${e} ${e.cause}`); throw e; }
    };
  }
  for (let i = 0; i < 10; i++) {
    const s = Date.now();
    await Promise.all([1, 2, 3, 4].map(async () => {
    const user = world.newUser();
    const { stepId, workflowId } = await world.start(user);
    const b = await world.until(user, stepId, 'awaiting-input');
    await world.steps.cancel(user, stepId);
    const c = await world.until(user, stepId, 'cancelled');
    }));
    log(`=========== ${i} ${Date.now() - s}`);
    if (Date.now() - s > 2000) break;
  }
}, 100000);
afterAll(() => { console.log(out.slice(-300).join('\n')); });
