import { z } from 'zod';

/** MongoDB Extended JSON v2: relaxed, canonical, and the number of older tools. */
const extendedDate = z
  .strictObject({
    $date: z.union([z.string(), z.number(), z.strictObject({ $numberLong: z.string() })]),
  })
  .transform(({ $date: date }) => (typeof date === 'object' ? Number(date.$numberLong) : date))
  .transform((date) => new Date(date).getTime());

/**
 * One document of LibreChat's collection `tokens`, as `mongoexport` writes it; the fields that an import needs.
 *
 * @see https://github.com/danny-avila/LibreChat/blob/main/packages/data-schemas/src/schema/token.ts
 */
export const libreChatTokenSchema = z.looseObject({
  userId: z.strictObject({ $oid: z.string().regex(/^[0-9a-f]{24}$/, 'must be an ObjectId') }),
  type: z.string().optional(),
  /** `mcp:<server>`, with `:refresh` or `:client` behind it. */
  identifier: z.string().optional(),
  /** Encrypted: the initialization vector and the ciphertext in hex, with a colon between them. */
  token: z.string(),
  expiresAt: extendedDate.optional(),
  /** Of a client: the authorization server's metadata, and since credential sets exist, which one this is of. */
  metadata: z
    .looseObject({
      credential_set_id: z.string().optional(),
      token_endpoint: z.string().optional(),
      issuer: z.string().optional(),
      resource: z.string().optional(),
    })
    .nullish(),
});

export type LibreChatToken = z.output<typeof libreChatTokenSchema>;
