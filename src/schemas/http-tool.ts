import { z } from 'zod';
import { idSchema } from './id.ts';

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
    description: z.string().describe('Empty where the server gives none.'),
    inputSchema: z.record(z.string(), z.unknown()),
    annotations: annotationsSchema.optional(),
  })
  .meta({ id: 'Tool' });

export const listToolsQuerySchema = z.strictObject({ mcpServerId: idSchema });
export const toolsSchema = z.object({ tools: z.array(toolSchema) });
