import type { Deposit } from '../schemas/deposit.ts';
import type { StoredAnswer } from '../schemas/http-connection.ts';
import { type LatchkeyApiOptions, requestApi } from './api-request.ts';

/** Deposits a grant of the user. @throws LatchkeyApiError */
export async function deposit(api: LatchkeyApiOptions, body: Deposit): Promise<StoredAnswer> {
  const request = { method: 'POST', path: '/mcp-oauth-credentials', body } as const;
  // The cast trusts the contract of our own API.
  return (await requestApi(api, request)) as StoredAnswer;
}
