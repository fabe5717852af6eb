/**
 * The client program that the conformance suite starts, once for each scenario, with the address of an MCP server as
 * its last argument. It registers the server, and does for its tools what a step does: reads the stored credential,
 * makes the call, and has the user connect where that is needed. All of it runs in Latchkey's own code on a real
 * database; the user's browser is played in `follow-redirects.ts`. Ends with 1 where a call does not complete.
 */
import { callTools } from './call-tools.ts';
import { FlowEnded } from './flow-ended.ts';
import { readScenario } from './scenario.ts';
import { openWorld } from './world.ts';

const scenario = await readScenario();
const world = openWorld(scenario);
try {
  await callTools(world, scenario);
} catch (error) {
  if (!(error instanceof FlowEnded)) throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await world.close();
}
