import type { Secret } from './secret-search.ts';

/** A secret of the story, and the places that are meant to show it. */
export interface RegisteredSecret extends Secret {
  /** Matched against `Evidence.where`. */
  mayStandIn: readonly RegExp[];
}

export interface SecretRegistry {
  /** Of the same value only the first counts. @returns the value */
  register<Value extends string | Uint8Array>(name: string, value: Value, ...mayStandIn: RegExp[]): Value;
  all(): readonly RegisteredSecret[];
}

export function createSecretRegistry(): SecretRegistry {
  const secrets = new Map<string, RegisteredSecret>();
  return {
    register(name, value, ...mayStandIn) {
      const bytes = Buffer.from(value);
      const id = bytes.toString('hex');
      // The number tells one refresh token from another.
      if (!secrets.has(id)) secrets.set(id, { name: `${name} #${secrets.size}`, value: bytes, mayStandIn });
      return value;
    },
    all: () => [...secrets.values()],
  };
}
