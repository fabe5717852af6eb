import { z } from 'zod';

// Bytes as proto3's JSON writes them.
const bytes = z.base64();

const fields = { metadata: z.record(z.string(), bytes).optional(), data: bytes.optional() };

/** One of Temporal's payloads in proto3's JSON. Fields that we don't know come back as they are. */
const payloadSchema = z.looseObject(fields).meta({ id: 'Payload' });

/** What of a payload we would not encrypt, we refuse. */
const payloadInClearSchema = z.strictObject(fields);

// proto3's JSON leaves out an empty list: the CLI sends `{}` for a query without arguments.
export const decodePayloadsSchema = z.strictObject({ payloads: z.array(payloadSchema).default([]) });
export const encodePayloadsSchema = z.strictObject({ payloads: z.array(payloadInClearSchema).default([]) });
export const payloadsSchema = z.object({ payloads: z.array(payloadSchema) });

export type PayloadJson = z.output<typeof payloadSchema>;
