import type { Deposit } from '../schemas/deposit.ts';
import { type LatchkeyApiOptions, requestApi } from './api-request.ts';

/** What `POST /mcp-oauth-credentials` answers. */
export interface DepositAnswer {
  /** False only with `validateOnly`. */
  stored: boolean;
  changed: boolean;
  version: number;
  resuming: number;
}

/** Deposits a grant of the user. @throws LatchkeyApiError */
export async function deposit(api: LatchkeyApiOptions, body: Deposit): Promise<DepositAnswer> {
  const request = { method: 'POST', path: '/mcp-oauth-credentials', body } as const;
  // The cast trusts the contract of our own API.
  return (await requestApi(api, request)) as DepositAnswer;
}
