import { z } from 'zod';

const objectSchema = z.object({
  properties: z.record(z.string(), z.object({ type: z.string() })).default({}),
});

const SAMPLES: Record<string, unknown> = { number: 5, integer: 5, string: 'five', boolean: true };

/** Returns arguments for a tool: a value of its type for each property of the schema. */
export function sampleArguments(inputSchema: unknown): Record<string, unknown> {
  const { properties } = objectSchema.parse(inputSchema);
  return Object.fromEntries(Object.entries(properties).map(([name, { type }]) => [name, SAMPLES[type]]));
}
