/** One refresh token's way to the authorization server. Times are milliseconds since the epoch. */
export interface Presentation {
  readonly userId: string;
  readonly token: string;
  /** When the request came in. */
  readonly at: number;
  outcome: 'open' | 'rotated' | 'refused';
}

/** A grant that died although its user had not withdrawn it. */
export interface Loss {
  userId: string;
  /** When the request that was refused came in, or the user was asked. */
  at: number;
  cause: string;
  /** The refresh whose answer held the token that should have been sent; only where a spent one was sent again. */
  spentBy?: Presentation;
}

/**
 * What the authorization server's side knows of every consent: which tokens belong to it, which are spent, and
 * how it ended. It sees every refresh request, and believes nothing that Latchkey says.
 */
export interface GrantLedger {
  /** The user's consent from now on; an earlier one no longer counts. */
  consented(userId: string, refreshToken: string): void;
  /** From now on its refusal is no loss. */
  withdrawn(userId: string): void;
  /** Undefined: no consent ever gave that token. */
  presented(refreshToken: string, at: number): Presentation | undefined;
  rotated(presentation: Presentation, nextToken: string): void;
  refused(presentation: Presentation, error: string): void;
  /** Latchkey asks the user to reconnect: a loss too, where the grant is good. */
  userAsked(userId: string, reason: string): void;
  readonly presentations: readonly Presentation[];
  readonly losses: readonly Loss[];
}

interface Grant {
  userId: string;
  state: 'good' | 'withdrawn' | 'superseded' | 'lost';
}

export function createGrantLedger(now: () => number = Date.now): GrantLedger {
  const grantOf = new Map<string, Grant>();
  const current = new Map<string, Grant>();
  const presentations: Presentation[] = [];
  const losses: Loss[] = [];

  function lose(grant: Grant | undefined, loss: Omit<Loss, 'userId'>): void {
    if (grant?.state !== 'good') return;
    grant.state = 'lost';
    losses.push({ userId: grant.userId, ...loss });
  }

  return {
    presentations,
    losses,
    consented(userId, refreshToken) {
      const former = current.get(userId);
      if (former?.state === 'good') former.state = 'superseded';
      const grant: Grant = { userId, state: 'good' };
      current.set(userId, grant);
      grantOf.set(refreshToken, grant);
    },
    withdrawn(userId) {
      const grant = current.get(userId);
      if (grant?.state === 'good') grant.state = 'withdrawn';
    },
    presented(token, at) {
      const grant = grantOf.get(token);
      if (grant === undefined) return undefined;
      const presentation: Presentation = { userId: grant.userId, token, at, outcome: 'open' };
      presentations.push(presentation);
      return presentation;
    },
    rotated(presentation, nextToken) {
      presentation.outcome = 'rotated';
      const grant = grantOf.get(presentation.token);
      if (grant !== undefined) grantOf.set(nextToken, grant);
    },
    refused(presentation, error) {
      presentation.outcome = 'refused';
      const { token, at } = presentation;
      const spentBy = presentations.find((other) => other.token === token && other.outcome === 'rotated');
      const cause = spentBy === undefined ? `refused: ${error}` : 'a spent token was sent again';
      lose(grantOf.get(token), { at, cause, ...(spentBy && { spentBy }) });
    },
    userAsked: (userId, reason) => lose(current.get(userId), { at: now(), cause: `user asked: ${reason}` }),
  };
}
