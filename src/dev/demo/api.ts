import { SignJWT } from 'jose';
import type { StepView } from '../../contracts/step.ts';

/** Latchkey's HTTP API as one caller uses it. */
export interface Api {
  /** @throws when the answer is not a 2xx */
  request<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** The step when it has one of these statuses, or as it is after a minute. */
  until(stepId: string, ...statuses: StepView['status'][]): Promise<StepView>;
}

const WAIT_AT_MOST_MS = 60_000;
const TOKEN_LIFETIME = '1h';

/** A caller's JWT, good for an hour. */
export async function tokenOf(caller: Caller, jwtSecret: string): Promise<string> {
  return new SignJWT({ sub: caller.userId, ...(caller.scope && { scope: caller.scope }) })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(TOKEN_LIFETIME)
    .sign(new TextEncoder().encode(jwtSecret));
}

export interface Caller {
  userId: string;
  /** Space-separated. */
  scope?: string;
}

export async function apiOf(caller: Caller, at: { url: string; jwtSecret: string }): Promise<Api> {
  const token = await tokenOf(caller, at.jwtSecret);

  async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await fetch(new URL(path, at.url), init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    // The cast trusts our own API's contract.
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  async function until(stepId: string, ...statuses: StepView['status'][]): Promise<StepView> {
    const deadline = performance.now() + WAIT_AT_MOST_MS;
    for (;;) {
      const now = await request<StepView>('GET', `/steps/${stepId}`);
      if (statuses.includes(now.status) || performance.now() > deadline) return now;
      await request<StepView>('GET', `/steps/${stepId}?wait=10s`);
    }
  }

  return { request, until };
}
