import type { LookupAddress } from 'node:dns';
import type { Socket } from 'node:net';
import { errors } from 'undici';

/**
 * Connects to one of several addresses. Each attempt continues while later ones start, because a slow address may be
 * the only one that works. Node's own `autoSelectFamily` ends an attempt after 250 ms.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8305#section-5
 */

export type Connected = (...outcome: [Error, null] | [null, Socket]) => void;

/** Starts one attempt. Destroying its socket with an error ends it. */
export type Attempt = (address: string, done: Connected) => Socket;

/** RFC 8305 §5: the Connection Attempt Delay. */
const ATTEMPT_DELAY_MS = 250;
const MIN_ATTEMPT_DELAY_MS = 10;

/** All attempts have started by then, which leaves the last one half of the usual 5 s. */
const ALL_STARTED_MS = 2_500;

/** A DNS server must not decide how many sockets are open at once. */
const MAX_ADDRESSES = 100;

export interface AddressRaceOptions {
  addresses: readonly LookupAddress[];
  /** Milliseconds after which the race ends with a ConnectTimeoutError. */
  limitMs: number;
  attempt: Attempt;
}

/**
 * Reports the first connection that opens, and ends the other attempts. The next attempt starts after a delay, or as
 * soon as an earlier one has failed.
 */
export function raceAddresses(options: AddressRaceOptions, connected: Connected): void {
  new AddressRace(options, connected).startNext();
}

class AddressRace {
  readonly #addresses: readonly LookupAddress[];
  readonly #attempt: Attempt;
  readonly #connected: Connected;
  readonly #limit: NodeJS.Timeout;
  readonly #pending = new Map<number, Socket>();
  readonly #failures: Error[] = [];
  #next: NodeJS.Timeout | undefined;
  #started = 0;
  #failed = 0;
  #over = false;

  constructor({ addresses, limitMs, attempt }: AddressRaceOptions, connected: Connected) {
    this.#addresses = interleaveFamilies(addresses).slice(0, MAX_ADDRESSES);
    this.#attempt = attempt;
    this.#connected = connected;
    this.#limit = setTimeout(() => this.#end(new errors.ConnectTimeoutError(), null), limitMs);
  }

  startNext(): void {
    clearTimeout(this.#next);
    const index = this.#started;
    const candidate = this.#addresses[index];
    if (candidate === undefined) return;
    this.#started += 1;
    this.#next = setTimeout(() => this.startNext(), delayAmong(this.#addresses.length));
    // Calls back in a later turn of the event loop, never at once.
    const socket = this.#attempt(candidate.address, (error, opened) => {
      this.#pending.delete(index);
      if (this.#over) opened?.destroy();
      else if (error === null) this.#end(null, opened);
      else this.#continueAfter(index, error);
    });
    this.#pending.set(index, socket);
  }

  #continueAfter(index: number, failure: Error): void {
    this.#failures[index] = failure;
    this.#failed += 1;
    if (this.#failed === this.#addresses.length) this.#end(failureOfAll(this.#failures), null);
    else this.startNext();
  }

  #end(...outcome: Parameters<Connected>): void {
    this.#over = true;
    clearTimeout(this.#next);
    clearTimeout(this.#limit);
    for (const socket of this.#pending.values()) socket.destroy(new Error('another address was faster'));
    this.#connected(...outcome);
  }
}

/**
 * A failed handshake says more than addresses where nothing listens, whose failures are in the order of the addresses.
 */
function failureOfAll(failures: readonly Error[]): Error {
  const ofHandshake = failures.find((failure) => !('syscall' in failure && failure.syscall === 'connect'));
  return ofHandshake ?? new AggregateError(failures);
}

function delayAmong(addresses: number): number {
  return Math.max(MIN_ATTEMPT_DELAY_MS, Math.min(ATTEMPT_DELAY_MS, ALL_STARTED_MS / addresses));
}

/** Alternates between IPv6 and IPv4, beginning with the family of the first address. RFC 8305 §4. */
function interleaveFamilies(addresses: readonly LookupAddress[]): LookupAddress[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family);
  const second = addresses.filter(({ family }) => family !== addresses[0]?.family);
  return Array.from({ length: Math.max(first.length, second.length) }, (_, index) => [
    first[index],
    second[index],
  ])
    .flat()
    .filter((address) => address !== undefined);
}
