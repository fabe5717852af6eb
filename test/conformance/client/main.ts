/**
 * The client program that the conformance suite starts, once for each scenario, with the address of an MCP server as
 * its last argument. It does what a step does: lists the tools and calls each of them, and gets a token where the
 * server asks for one. Requests go through Latchkey's adapter and its code for discovery and authorization; a person's
 * part is played by `follow-redirects.ts`. Ends with 1 where a call did not complete.
 */
import { callTools } from './call-tools.ts';
import { createWorld } from './world.ts';

const world = createWorld();
try {
  const outcome = await callTools(world);
  if (outcome.kind !== 'completed') {
    console.error(JSON.stringify(outcome));
    process.exitCode = 1;
  }
} finally {
  await world.close();
}
