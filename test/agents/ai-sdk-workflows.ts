// Workflows of an application that call tools of a tool set as the AI SDK does, without a model.
import { defineSignal, isCancellation, setHandler } from '@temporalio/workflow';
import { type LatchkeyToolsOptions, latchkeyTools, type UnavailableServer } from 'latchkey/ai-sdk';

type Options = Omit<LatchkeyToolsOptions, 'onUnavailable'>;

export interface ToolSetRun {
  options: Options;
  /** Of each server, only these tools. Default: all. */
  onlyTools?: string[];
  leaveOutUnavailable?: boolean;
  /** Made at the same time. All have the same tool-call id. */
  calls?: { name: string; input: unknown }[];
}

export interface ToolSetReport {
  tools: { name: string; type?: string; description?: unknown; metadata?: unknown; schema: unknown }[];
  unavailable: readonly UnavailableServer[];
  /** What the model sees of each call, or that it was cancelled. */
  seen: unknown[];
}

export const abortCalls = defineSignal('abortCalls');

export async function useToolSet(run: ToolSetRun): Promise<ToolSetReport> {
  const { options, onlyTools, leaveOutUnavailable = false, calls = [] } = run;
  let unavailable: readonly UnavailableServer[] = [];
  const tools = await latchkeyTools({
    ...options,
    servers: options.servers.map((server) => ({
      ...server,
      ...(onlyTools && { filter: ({ name }) => onlyTools.includes(name) }),
    })),
    ...(leaveOutUnavailable && {
      onUnavailable: (servers) => {
        unavailable = servers;
      },
    }),
  });
  const controller = new AbortController();
  setHandler(abortCalls, () => controller.abort());

  const call = async ({ name, input }: { name: string; input: unknown }) => {
    const tool = tools[name];
    if (!tool?.execute || !tool.toModelOutput) throw new Error(`no tool ${name}`);
    const rest = { toolCallId: 'same', messages: [], context: {}, abortSignal: controller.signal };
    try {
      const output: unknown = await tool.execute(input, rest);
      return await tool.toModelOutput({ toolCallId: 'same', input, output });
    } catch (error) {
      if (!isCancellation(error)) throw error;
      return 'cancelled';
    }
  };
  const seen = await Promise.all(calls.map(call));
  return { tools: Object.entries(tools).map(described), unavailable, seen };
}

function described([name, tool]: [string, Awaited<ReturnType<typeof latchkeyTools>>[string]]) {
  const { description, metadata, type, inputSchema } = tool;
  const schema =
    typeof inputSchema === 'object' && 'jsonSchema' in inputSchema ? inputSchema.jsonSchema : undefined;
  return { name, ...(type && { type }), description, metadata, schema };
}
