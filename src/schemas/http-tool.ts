import { z } from 'zod';
import { accountSchema, idSchema } from './id.ts';

export const annotationsSchema = z.object({
  title: z.string().optional(),
  readOnlyHint: z.boolean().optional(),
  destructiveHint: z.boolean().optional(),
  idempotentHint: z.boolean().optional(),
  openWorldHint: z.boolean().optional(),
});

/** One tool of a server. MCP 2025-11-25, server/tools#tool. */
export const toolSchema = z
  .object({
    name: z.string(),
    title: z.string().optional(),
    description: z.string().describe('Empty if the server gives none.'),
    inputSchema: z.record(z.string(), z.unknown()),
    outputSchema: z.record(z.string(), z.unknown()).optional(),
    annotations: annotationsSchema.optional(),
    execution: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('With taskSupport "required" the tool can only be called as a task, so no step can call it.'),
    icons: z.array(z.looseObject({ src: z.string() })).optional(),
  })
  .meta({ id: 'Tool' });

export const listToolsQuerySchema = z.strictObject({ mcpServerId: idSchema, account: accountSchema });
export const toolsSchema = z.object({ tools: z.array(toolSchema) });

const MAX_SERVERS = 100;

export const listToolsOfServersQuerySchema = z.strictObject({
  mcpServerId: z
    .union([idSchema, z.array(idSchema).max(MAX_SERVERS)])
    .optional()
    .describe('May be repeated. Default: all registered servers.'),
});

const failureSchema = z.object({
  kind: z
    .enum(['auth', 'connection', 'unknown'])
    .describe('auth: the user or an admin must connect the server. connection: try again later.'),
  code: z.string(),
});

export const toolsOfServersSchema = z.object({
  servers: z.array(
    z.union([
      z.object({ mcpServerId: z.string(), tools: z.array(toolSchema) }),
      z.object({ mcpServerId: z.string(), failure: failureSchema }),
    ]),
  ),
});
