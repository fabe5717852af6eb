import { z } from 'zod';

/**
 * One connection as Nango 0.71 answers `GET /connections/:connectionId` with `refresh_token=true`; the fields that an
 * import needs.
 *
 * @see https://github.com/NangoHQ/nango/blob/2f4c0af671e2ca1c43dd4e78f3c369218bf3fc87/packages/types/lib/connection/api/get.ts
 */
export const nangoConnectionSchema = z.looseObject({
  provider_config_key: z.string().min(1),
  /** Of `MCP_OAUTH2_GENERIC`: `oauth_metadata` and `oauth_client_info` are JSON texts. */
  connection_config: z
    .looseObject({
      oauth_metadata: z.string().optional(),
      oauth_client_info: z.string().optional(),
      oauth_resource_url: z.string().optional(),
    })
    .nullish(),
  /** Deprecated by Nango in favour of `tags`. */
  end_user: z.looseObject({ id: z.string() }).nullish(),
  tags: z.record(z.string(), z.string()).nullish(),
  credentials: z.looseObject({
    type: z.string(),
    access_token: z.string().nullish(),
    refresh_token: z.string().nullish(),
    /** ISO 8601. */
    expires_at: z.string().nullish(),
    /** A client of this connection's own. */
    config_override: z
      .looseObject({ client_id: z.string().nullish(), client_secret: z.string().nullish() })
      .nullish(),
  }),
});

export type NangoConnection = z.output<typeof nangoConnectionSchema>;
