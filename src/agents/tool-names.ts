/** The names by which a model calls the tools of several servers. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { accountMember, DEFAULT_ACCOUNT } from '../contracts/accounts.ts';

/** Where a tool is: one tool of one account at one server. */
export interface ToolAddress {
  mcpServerId: string;
  account: string;
  /** Without it: the tool that returns the link to connect the account. */
  tool?: string;
}

/** The lowest limit of the large providers. OpenAI: `^[a-zA-Z0-9_-]{1,64}$`. */
const MAX_LENGTH = 64;
/** By how many hex digits of its address's hash a name grows while it is not the only one. */
const HASH_DIGITS = 8;

interface NamedTool {
  name: string;
  plainName: string;
  hash: string;
  hashDigits: number;
}

/**
 * Returns a name for each address, in their order: `server_tool`, or `server_account_tool` for another account than
 * `default`; `connect_server`, or `connect_server_account`, for the tool that returns the link. Characters other than `A–Z a–z 0–9 _ -` become `_`, and a name begins with a letter or `_`. A name longer
 * than 64 characters is cut and ends with a hash of its address; so do all names that would be the same. A name does
 * not depend on the order of the addresses, and only equal addresses have the same name.
 */
export function toolNames(addresses: readonly ToolAddress[]): string[] {
  return untilUnique(
    addresses.map((address) => {
      const plainName = plainNameOf(address);
      return named(plainName, hashOf(address), plainName.length > MAX_LENGTH ? HASH_DIGITS : 0);
    }),
  );
}

/**
 * Returns the name of a tool beside tools that are not known: with a hash for another account than `default`, because the id
 * of another server may be that of this one and the account, joined by `_`.
 */
export function toolNameAmongOthers(address: ToolAddress): string {
  const [name = ''] = toolNames([address]);
  return address.account === DEFAULT_ACCOUNT
    ? name
    : named(plainNameOf(address), hashOf(address), HASH_DIGITS).name;
}

// A server decides how many names there are, and the agent's thread is shared: each pass looks at each name once.
function untilUnique(tools: readonly NamedTool[]): string[] {
  const shared = sharedNames(tools);
  if (shared.size === 0) return tools.map(({ name }) => name);
  return untilUnique(tools.map((tool) => (shared.has(tool.name) ? withLongerHash(tool) : tool)));
}

/** The names of more than one address. */
function sharedNames(tools: readonly NamedTool[]): Set<string> {
  const hashes = new Map<string, string>();
  const shared = new Set<string>();
  for (const { name, hash } of tools) {
    const first = hashes.get(name);
    if (first === undefined) hashes.set(name, hash);
    else if (first !== hash) shared.add(name);
  }
  return shared;
}

function withLongerHash({ plainName, hash, hashDigits }: NamedTool): NamedTool {
  return named(plainName, hash, hashDigits + HASH_DIGITS);
}

function named(plainName: string, hash: string, hashDigits: number): NamedTool {
  const cut = plainName.slice(0, MAX_LENGTH - hashDigits - 1);
  const name = hashDigits === 0 ? plainName : `${cut}_${hash.slice(0, hashDigits)}`;
  return { name, plainName, hash, hashDigits };
}

function plainNameOf({ mcpServerId, account, tool }: ToolAddress): string {
  const owner = [mcpServerId, ...Object.values(accountMember(account))];
  const parts = tool === undefined ? ['connect', ...owner] : [...owner, tool];
  // Gemini wants a letter or `_` first.
  return parts
    .join('_')
    .replace(/[^A-Za-z0-9_-]/gu, '_')
    .replace(/^(?=[^A-Za-z_])/, '_');
}

function hashOf({ mcpServerId, account, tool }: ToolAddress): string {
  return bytesToHex(sha256(utf8ToBytes(JSON.stringify([mcpServerId, account, tool]))));
}
