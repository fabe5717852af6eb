import { Ajv } from 'ajv';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

export type ArgumentsVerdict = { kind: 'valid' } | { kind: 'invalid'; message: string };

// A stranger's regular expression could keep this process busy for ever. Those of `pattern` go with the keyword;
// `additionalProperties` also reads those of `patternProperties`.
const MATCHES_ALL = Object.assign(() => ({ test: () => true }), { code: 'matchesAll' });
/** Drafts that differ from 2020-12 in what schemas use: arrays of `items`, `definitions`. */
const OLDER_DRAFT = /draft-0[4-7]/;
/** Of a schema from a server that may be anybody's. */
const MAX_SCHEMA_CHARACTERS = 256 * 1024;

/**
 * Checks arguments against a tool's input schema. A schema that does not compile refuses nothing: the server
 * judges the call itself, and its broken schema is no reason to keep its tools from being called.
 *
 * @see MCP 2025-11-25 server/tools: JSON Schema 2020-12 unless `$schema` says otherwise
 */
export function validateToolArguments(
  inputSchema: Record<string, unknown>,
  args: Record<string, unknown>,
): ArgumentsVerdict {
  const errors = findErrors(inputSchema, args);
  return errors === undefined ? { kind: 'valid' } : { kind: 'invalid', message: describeErrors(errors) };
}

function findErrors(inputSchema: Record<string, unknown>, args: unknown): ErrorObject[] | undefined {
  if (JSON.stringify(inputSchema).length > MAX_SCHEMA_CHARACTERS) return undefined;
  try {
    const validate = compile(inputSchema);
    return validate(args) ? undefined : (validate.errors ?? []);
  } catch {
    return undefined;
  }
}

// An instance each: schemas of different servers may claim the same $id. Ajv's `$async` would make the verdict
// a promise, which is always true.
function compile({ $schema, $async: _, ...schema }: Record<string, unknown>) {
  const options = { strict: false, allErrors: false, logger: false, code: { regExp: MATCHES_ALL } } as const;
  const ajv = OLDER_DRAFT.test(String($schema)) ? new Ajv(options) : new Ajv2020(options);
  addFormats.default(ajv);
  ajv.removeKeyword('pattern').removeKeyword('patternProperties');
  return ajv.compile(schema);
}

// Paths and rules, never values: the message travels into histories and answers.
function describeErrors(errors: ErrorObject[]): string {
  const [error] = errors;
  if (error === undefined) return 'the arguments do not fit the tool';
  const where = error.instancePath === '' ? 'the arguments' : error.instancePath;
  return `${where}: ${error.message ?? error.keyword}`;
}
