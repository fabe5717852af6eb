import { readFile } from 'node:fs/promises';
import { readNamedVariable } from '../../config/named-variable.ts';
import { present } from '../../contracts/present.ts';
import { describeFields, fieldErrors } from '../../schemas/field-errors.ts';
import { fieldMessage } from '../../schemas/field-message.ts';
import {
  type ImportTarget,
  importMapSchema,
  importTargetSchema,
  userMapSchema,
} from '../../schemas/import-map.ts';
import { CommandRefused } from '../command-refused.ts';
import { readSecret } from '../secret-input.ts';
import type { Format } from './candidate.ts';
import type { FieldMaps } from './field-maps.ts';
import { fromLibreChat } from './from-librechat.ts';
import { fromNango } from './from-nango.ts';
import { createLibreChatCipher } from './librechat-cipher.ts';
import { plainLines } from './plain-lines.ts';
import { parsedJson } from './read-records.ts';

export const FORMATS = ['nango', 'librechat'] as const;

/** The options that say what standard input is. */
export interface FormatFlags {
  from?: (typeof FORMATS)[number];
  map?: Record<string, string>;
  mapFile?: string;
  tokenEndpoint?: string;
  clientId?: string;
  clientSecret?: string;
  userMap?: string;
  userField?: string;
  accountField?: string;
  own?: true;
}

/** @throws CommandRefused */
export async function formatOf(flags: FormatFlags): Promise<Format> {
  const { from, userField, accountField } = flags;
  if (from !== undefined && flags.own) throw new CommandRefused('--own is not possible with --from.');
  switch (from) {
    case undefined:
      refuseOptions(
        flags,
        ['map', 'mapFile', 'tokenEndpoint', 'clientId', 'clientSecret', 'userMap'],
        '--from',
      );
      refuseOptions(flags, ['userField', 'accountField'], '--from nango');
      return plainLines({ own: flags.own ?? false });
    case 'nango':
      return fromNango({ ...(await fieldMapsOf(flags)), userField, accountField });
    case 'librechat':
      refuseOptions(flags, ['userField', 'accountField'], '--from nango');
      return fromLibreChat({ ...(await fieldMapsOf(flags)), decrypt: libreChatCipher() });
    default:
      return from satisfies never;
  }
}

function refuseOptions(flags: FormatFlags, names: readonly (keyof FormatFlags)[], needed: string): void {
  const given = names.find((name) => flags[name] !== undefined);
  if (given === undefined) return;
  const option = given.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new CommandRefused(`--${option} needs ${needed}.`);
}

/** The key is never an argument, because other users of the machine may see those. */
function libreChatCipher() {
  const key = readNamedVariable('CREDS_KEY');
  if (key === undefined)
    throw new CommandRefused("Set CREDS_KEY to LibreChat's, which its values are encrypted with.");
  const decrypt = createLibreChatCipher(key);
  if (decrypt === undefined) throw new CommandRefused('CREDS_KEY must have 64 hex digits.');
  return decrypt;
}

async function fieldMapsOf(flags: FormatFlags): Promise<FieldMaps> {
  const { map = {}, mapFile, userMap } = flags;
  const inFile = mapFile === undefined ? {} : await readMap('--map-file', mapFile, importMapSchema);
  const named = Object.entries(map).map(
    ([name, mcpServerId]) => [name, { ...inFile[name], mcpServerId }] as const,
  );
  const targets = new Map<string, ImportTarget>([...Object.entries(inFile), ...named]);
  const users = userMap === undefined ? undefined : await readMap('--user-map', userMap, userMapSchema);
  return {
    targets: mapFile === undefined && targets.size === 0 ? undefined : targets,
    users: users && new Map(Object.entries(users)),
    defaults: await defaultsOf(flags),
  };
}

async function defaultsOf({
  tokenEndpoint,
  clientId,
  clientSecret,
}: FormatFlags): Promise<Partial<ImportTarget>> {
  if (clientSecret === '-')
    throw new CommandRefused('--client-secret - is not possible: standard input has the connections.');
  const secret = clientSecret === undefined ? undefined : await readSecret('--client-secret', clientSecret);
  const given = present({ tokenEndpoint, clientId, clientSecret: secret });
  const parsed = importTargetSchema.omit({ mcpServerId: true }).safeParse(given, { error: fieldMessage });
  if (parsed.success) return parsed.data;
  throw new CommandRefused(describeFields(fieldErrors(parsed.error.issues), 'The options'));
}

interface FileSchema<T> {
  safeParse(
    value: unknown,
    options: { error: typeof fieldMessage },
  ): { success: true; data: T } | { success: false; error: { issues: Parameters<typeof fieldErrors>[0] } };
}

/** @throws CommandRefused that names fields, never a value: the file may hold secrets */
async function readMap<T>(option: string, path: string, schema: FileSchema<T>): Promise<T> {
  const text = await readFile(path, 'utf8').catch(({ code = 'unknown' }: NodeJS.ErrnoException) => {
    throw new CommandRefused(`${option}: the file ${path} can't be read (${code}).`);
  });
  const parsed = schema.safeParse(parsedJson(text), { error: fieldMessage });
  if (parsed.success) return parsed.data;
  throw new CommandRefused(`${option}: ${describeFields(fieldErrors(parsed.error.issues), 'The file')}`);
}
