import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/** A value that shows only where it is asked for by name: not in JSON, logs, templates or `console.log`. */
export class Secret<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toJSON(): string {
    return REDACTED;
  }

  toString(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
