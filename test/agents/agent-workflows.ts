/** Workflows that call tools as an agent does, without a framework. Bundled by `agent-steps.ts`. */
import { CancellationScope, condition, continueAsNew, defineSignal, setHandler } from '@temporalio/workflow';
import type { ModelAnswer } from '../../src/agents/model-answer.ts';
import type { AgentOptions } from '../../src/agents/options.ts';
import type { ToolCall } from '../../src/agents/tool-caller.ts';
import { createToolCaller } from '../../src/agents/tool-caller.ts';
import { type LatchkeyMcpServerOptions, latchkeyMcpServer } from '../../src/openai-agents.ts';

/** The calls of each turn run at the same time, the turns one after another. */
export async function callingAgent(options: AgentOptions, turns: ToolCall[][]): Promise<ModelAnswer[]> {
  const call = createToolCaller(options);
  const answers: ModelAnswer[] = [];
  for (const turn of turns) answers.push(...(await Promise.all(turn.map((one) => call(one)))));
  return answers;
}

/** Lists its tools again, or hands off to another agent, before each turn: the calls of each have a caller of their own. */
export async function relistingAgent(options: AgentOptions, turns: ToolCall[][]): Promise<ModelAnswer[]> {
  const answers: ModelAnswer[] = [];
  for (const turn of turns) answers.push(...(await callingAgent(options, [turn])));
  return answers;
}

/** Makes its call in each of two runs. */
export async function continuingAgent(
  options: AgentOptions,
  call: ToolCall,
  before: ModelAnswer[] = [],
): Promise<ModelAnswer[]> {
  const answers = [...before, await createToolCaller(options)(call)];
  if (answers.length === 2) return answers;
  return continueAsNew<typeof continuingAgent>(options, call, answers);
}

const hurry = defineSignal('hurry');

/** Continues as new at the signal `hurry`, while its call is under way, and makes the same call in the next run. */
export async function hurryingAgent(
  options: AgentOptions,
  call: ToolCall,
  isSecondRun = false,
): Promise<ModelAnswer> {
  const answer = createToolCaller(options)(call);
  if (isSecondRun) return answer;
  let isInHurry = false;
  setHandler(hurry, () => {
    isInHurry = true;
  });
  await condition(() => isInHurry);
  return continueAsNew<typeof hurryingAgent>(options, call, true);
}

/**
 * Cancels the scope of its first call after that has returned, makes another call, and cancels the scope of a repeated
 * first call. Returns what became of the first and the repeated one.
 */
export async function abortingAgent(
  options: AgentOptions,
  call: ToolCall,
  between: ToolCall,
): Promise<[string, string]> {
  const caller = createToolCaller(options);
  const [first, second] = [new CancellationScope(), new CancellationScope()];
  const { outcome } = await first.run(() => caller(call));
  first.cancel();
  await caller(between);
  const joined = second.run(() => caller(call));
  second.cancel();
  return [outcome, await joined.then((answer) => answer.outcome, String)];
}

/** What an agent of the OpenAI Agents SDK does with its server, without the SDK. */
export async function mcpServerAgent(options: LatchkeyMcpServerOptions, tool: string): Promise<unknown[]> {
  const server = latchkeyMcpServer(options);
  const first = await server.listTools();
  const second = await server.listTools();
  const content = await server.callTool(tool, { customer: 'ACME' });
  await server.invalidateToolsCache();
  return [server.name, first, second, content, await server.listTools()];
}

/** Lists the tools of a server twice, which may be unavailable, and reports what it was told of that. */
export async function untroubledAgent(options: LatchkeyMcpServerOptions): Promise<unknown[]> {
  const told: unknown[] = [];
  const server = latchkeyMcpServer({ ...options, onUnavailable: (servers) => told.push(...servers) });
  return [await server.listTools(), await server.listTools(), told];
}

/** Calls the first tool of the first list after the second one has taken its place, as an agent does that listed earlier. */
export async function lateAgent(options: LatchkeyMcpServerOptions): Promise<unknown> {
  const server = latchkeyMcpServer(options);
  const [first] = await server.listTools();
  await server.listTools();
  return [...(await server.callTool(first?.name ?? '', {}))];
}

/** Lists the tools of servers at which nothing is connected. */
export async function unconnectedAgent(
  options: LatchkeyMcpServerOptions,
  servers: { mcpServerId: string; account?: string }[],
): Promise<string[]> {
  const names: string[] = [];
  for (const server of servers) {
    const tools = await latchkeyMcpServer({ ...options, ...server }).listTools();
    names.push(...tools.map(({ name }) => name));
  }
  return names;
}

/** Lists the tools of a server twice. Each time it looks at the filter and calls the tool that is listed first. */
export async function connectingAgent(options: LatchkeyMcpServerOptions): Promise<unknown[]> {
  const server = latchkeyMcpServer(options);
  const seen: unknown[] = [];
  for (const _ of [1, 2]) {
    const tools = await server.listTools();
    const content = await server.callTool(tools[0]?.name ?? '', {});
    seen.push({ tools, filter: server.toolFilter, content: [...content] });
  }
  return seen;
}
