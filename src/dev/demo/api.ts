import { SignJWT } from 'jose';
import type { StepView } from '../../contracts/step.ts';

/** Latchkey's HTTP API with one caller's token. */
export interface Api {
  /** @throws if the response is not a 2xx */
  request<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Returns the step once it has one of these statuses, or its current state after a minute. */
  until(stepId: string, ...statuses: StepView['status'][]): Promise<StepView>;
}

const WAIT_TIMEOUT_MS = 60_000;
const TOKEN_LIFETIME = '1h';

/** Signs a JWT for a caller, valid for an hour. */
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
    // The cast is safe: the caller asks for the type that the API's contract promises.
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  async function until(stepId: string, ...statuses: StepView['status'][]): Promise<StepView> {
    const deadline = performance.now() + WAIT_TIMEOUT_MS;
    for (;;) {
      const now = await request<StepView>('GET', `/steps/${stepId}`);
      if (statuses.includes(now.status) || performance.now() > deadline) return now;
      // Short, because a change between the two requests is not waited for: the next look finds it.
      await request<StepView>('GET', `/steps/${stepId}?wait=1s`);
    }
  }

  return { request, until };
}
