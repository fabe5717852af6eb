import { z } from 'zod';

// proto3's JSON form of bytes.
const bytes = z.base64();

const fields = { metadata: z.record(z.string(), bytes).optional(), data: bytes.optional() };

/** A Temporal payload in proto3's JSON form. Unknown fields are returned unchanged. */
const payloadSchema = z.looseObject(fields).meta({ id: 'Payload' });

/** Refuses unknown fields, because they would not be encrypted. */
const payloadInClearSchema = z.strictObject(fields);

// proto3's JSON omits an empty list: the CLI sends `{}` for a query without arguments.
export const decodePayloadsSchema = z.strictObject({ payloads: z.array(payloadSchema).default([]) });
export const encodePayloadsSchema = z.strictObject({ payloads: z.array(payloadInClearSchema).default([]) });
export const payloadsSchema = z.object({ payloads: z.array(payloadSchema) });

export type PayloadJson = z.output<typeof payloadSchema>;
