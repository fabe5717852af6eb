import type { BareCall } from './call.ts';
import { openSession, type Session } from './session.ts';

export interface BareActivities {
  callTool(call: BareCall): Promise<unknown>;
}

export interface BareServer {
  url: string;
  /** Each user's access token. It is never renewed. */
  tokens: Readonly<Record<string, string>>;
}

/** Keeps one session a user, as Latchkey does, so that a call is one request. */
export function createBareActivities({ url, tokens }: BareServer): BareActivities {
  const sessions = new Map<string, Promise<Session>>();
  return {
    async callTool(call) {
      const token = tokens[call.userId];
      if (token === undefined) throw new Error('the user has no token');
      const session = sessions.get(call.userId) ?? openSession(url, token);
      sessions.set(call.userId, session);
      return (await session).call(call, token);
    },
  };
}
