/** The form that adds a server: from what was entered to a registration, and to what is wrong with it. */
import { fieldMessage } from '../schemas/field-message.ts';
import { idSchema } from '../schemas/id.ts';
import { type ServerRegistration, serverRegistrationSchema } from '../schemas/server.ts';
import { splitQuery } from '../servers/registered-server.ts';
import { CLEAR_FIELDS, SECRET_FIELDS, type ServerForm } from '../web/servers/server-form.tsx';

/** The fields of the form, by name. */
export type Entered = Readonly<Record<string, string>>;

/** By the name of the field. */
export type Complaints = Record<string, string>;

/** Trims what people paste. Leaves out empty fields and those that the form does not have. */
export function readEntered(body: Entered): Entered {
  const names: readonly string[] = [...CLEAR_FIELDS, ...SECRET_FIELDS];
  const entries = Object.entries(body).map(([name, value]) => [name, value.trim()] as const);
  return Object.fromEntries(entries.filter(([name, value]) => names.includes(name) && value !== ''));
}

/** Returns the URL with its query, which has a field of its own once it was entered. */
export function urlOf({ url = '', query = '' }: Entered): string {
  return query === '' || url.includes('?') ? url : `${url}?${query.replace(/^\?/, '')}`;
}

/** Validates by the schema of `PUT /mcp-servers/:id`. */
export function parseEntered(
  entered: Entered,
):
  | { kind: 'valid'; id: string; registration: ServerRegistration }
  | { kind: 'refused'; problems: Complaints } {
  const parsed = serverRegistrationSchema.safeParse(registrationOf(entered), { error: fieldMessage });
  const id = checkId(entered.id ?? '');
  if (parsed.success && id === undefined) {
    return { kind: 'valid', id: entered.id ?? '', registration: parsed.data };
  }
  const issues = parsed.success ? [] : parsed.error.issues;
  const problems: Complaints = {};
  for (const { path, message } of issues) problems[String(path.at(-1) ?? 'url')] ??= message;
  if (problems.url !== undefined) problems.url = schemeProblem(urlOf(entered), problems.url);
  return { kind: 'refused', problems: { ...problems, ...(id !== undefined && { id }) } };
}

/** Says what a server's URL begins with, where it begins otherwise. */
export function schemeProblem<T>(url: string, problem: T): T | string {
  return url === '' || /^https?:/i.test(url) ? problem : 'must be an http or https URL';
}

function registrationOf(entered: Entered): unknown {
  const { type = '', title, token, clientId, clientSecret, scopes } = entered;
  const { authorizationServer, authorizationEndpoint, tokenEndpoint } = entered;
  const ofOAuth = {
    ...{ clientId, clientSecret, scopes },
    ...{ authorizationServer, authorizationEndpoint, tokenEndpoint },
  };
  return {
    url: urlOf(entered),
    title,
    auth: { type, ...(type === 'oauth2' && ofOAuth), ...(type === 'bearer' && { token }) },
  };
}

function checkId(id: string): string | undefined {
  // Browsers take them out of an address.
  if (id === '.' || id === '..') return 'must not be one or two dots';
  return idSchema.safeParse(id, { error: fieldMessage }).error?.issues[0]?.message;
}

/** Returns the form again, without secrets. */
export function formOf(entered: Entered, problems: Complaints = {}): ServerForm {
  const { url, query } = splitQuery(urlOf(entered));
  const clear = CLEAR_FIELDS.flatMap((name) => {
    const value = name === 'url' ? withoutPassword(url) : entered[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    values: Object.fromEntries(clear),
    problems: Object.fromEntries(Object.entries(problems).map(([name, text]) => [name, sentence(text)])),
    hasQuery: query !== '',
  };
}

function withoutPassword(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/?#]*@/i, '$1');
}

/** Complains about secrets that were entered and are not shown again. */
export function lostSecrets(entered: Entered): Complaints {
  const lost = SECRET_FIELDS.filter(
    (name) => entered[name] !== undefined || (name === 'query' && urlOf(entered).includes('?')),
  );
  return Object.fromEntries(lost.map((name) => [name, 'Enter it again: secrets are not shown']));
}

/** The messages of schemas are to be read after the field's name. */
function sentence(message: string): string {
  const named = message.replace('clientSecret', 'a client secret');
  const text = named.startsWith('is ') ? `This ${named}` : named;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** What stands before and behind the name of a service in a host. */
const COMMON = /^(?:www|mcp|api)\.|\.(?:com|org|net|io|dev|app|ai|co|eu|de|example)$/g;

/** Proposes a free id from a server's host, such as `notion` for mcp.notion.com. */
export function proposeId(url: string, taken: ReadonlySet<string>): string {
  const { hostname } = new URL(url);
  const isAddress = /^[\d.]+$|^\[/.test(hostname);
  const name = isAddress ? hostname : hostname.replaceAll(COMMON, '');
  const base = name.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-+|-+$/g, '') || 'server';
  for (let number = 2, id = base; ; number += 1) {
    if (!taken.has(id)) return id;
    id = `${base}-${number}`;
  }
}
