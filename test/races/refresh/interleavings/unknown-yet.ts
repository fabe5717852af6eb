/** Thrown where the code or the database must be asked first; who catches it learns, and tries again. */
export class UnknownYet extends Error {
  readonly learn: () => Promise<void>;

  constructor(learn: () => Promise<void>) {
    super('not known yet');
    this.learn = learn;
  }
}

/** What `attempt` answers when it knows all that it needs. */
export async function knowing<T>(attempt: () => T): Promise<T> {
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!(error instanceof UnknownYet)) throw error;
      await error.learn();
    }
  }
}
