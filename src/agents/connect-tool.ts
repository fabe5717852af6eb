/** The tool that a server has for the model while its user has not connected it: it returns the link. */
import { patched } from '@temporalio/workflow';
import { DEFAULT_ACCOUNT } from '../contracts/accounts.ts';
import type { ToolDescription } from '../contracts/step.ts';
import { text } from './content-parts.ts';
import type { ModelAnswer } from './model-answer.ts';
import type { AgentOptions } from './options.ts';
import { nameOfAccount, refuseUnavailable, type UnavailableServer } from './tool-lister.ts';
import { type ToolAddress, toolNameAmongOthers, toolNames } from './tool-names.ts';

export interface ConnectTool {
  /** Has no `tool`. */
  address: ToolAddress;
  tool: Omit<ToolDescription, 'name'>;
  answer: ModelAnswer;
}

export interface UnavailableOptions extends Pick<AgentOptions, 'onPause' | 'connectTool'> {
  onUnavailable?: ((servers: readonly UnavailableServer[]) => void) | undefined;
}

/**
 * Tells `onUnavailable` of the servers whose tools can't be listed, and returns the tools that the model gets instead:
 * one for each server that its user only has to connect.
 *
 * @throws ApplicationFailure of type `McpToolsUnavailable` if there is no `onUnavailable`, and a server has no such tool
 */
export function connectToolsFor(
  unavailable: readonly UnavailableServer[],
  { onPause, connectTool = onPause === 'return', onUnavailable }: UnavailableOptions,
): ConnectTool[] {
  if (unavailable.length === 0) return [];
  const tools = connectTool ? unavailable.flatMap(connectToolOf) : [];
  const isTold = tools.length === unavailable.length;
  if (onUnavailable !== undefined) onUnavailable(unavailable);
  else if (!isTold) refuseUnavailable(unavailable);
  return tools;
}

const HASHED_NAMES = 'hashed-names-of-connect-tools';

/** The name of a server's tool for an agent that has other servers, too. Lists from before an upgrade, when replayed, have one without a hash. */
export function connectToolName({ address }: ConnectTool): string {
  const [former = ''] = toolNames([address]);
  return address.account === DEFAULT_ACCOUNT || !patched(HASHED_NAMES)
    ? former
    : toolNameAmongOthers(address);
}

/** None for a server that no link helps with. */
function connectToolOf(server: UnavailableServer): ConnectTool[] {
  const { mcpServerId, account, failure, connectUrl } = server;
  if (connectUrl === undefined) return [];
  const address = { mcpServerId, account };
  const where = nameOfAccount(server);
  const words = [
    `The tools of ${where} can't be used yet (${failure.code}). The user has to connect their account first.`,
    `Give the user this link: ${connectUrl}`,
    `When the user has connected it, the tools of ${where} take the place of this one.`,
  ];
  return [
    {
      address,
      tool: { description: descriptionOf(where), inputSchema: NO_ARGUMENTS },
      answer: { outcome: 'paused', parts: [text(words.join(' '))] },
    },
  ];
}

function descriptionOf(where: string): string {
  return `Returns the link at which the user connects ${where}. The tools of ${where} can't be used before the user has opened that link. Call this when a task needs them, and give the user the link.`;
}

const NO_ARGUMENTS = { type: 'object', properties: {}, required: [], additionalProperties: false };
