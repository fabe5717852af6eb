import type { z } from 'zod';
import type { Deposit } from '../schemas/deposit.ts';
import type { storedSchema } from '../schemas/http-connection.ts';
import { type LatchkeyApiOptions, requestApi } from './api-request.ts';

/** What `POST /mcp-oauth-credentials` answers. */
export type DepositAnswer = z.output<typeof storedSchema>;

/** Deposits a grant of the user. @throws LatchkeyApiError */
export async function deposit(api: LatchkeyApiOptions, body: Deposit): Promise<DepositAnswer> {
  const request = { method: 'POST', path: '/mcp-oauth-credentials', body } as const;
  // The cast trusts the contract of our own API.
  return (await requestApi(api, request)) as DepositAnswer;
}
