// @ts-check
// JavaScript, because a thread is started from a file that Node has to run as it is, both from the sources (in tests)
// and from `dist`. `check-arguments-in-thread.ts` starts it. It imports no TypeScript.
import { parentPort, workerData } from 'node:worker_threads';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describeProblems } from './argument-problems.mjs';

/** @typedef {import('./argument-problems.mjs').ArgumentProblem} ArgumentProblem */
/** @typedef {{ kind: 'valid' } | { kind: 'invalid', message: string }} ArgumentsOutcome */
/** @typedef {{ kind: 'valid' } | { kind: 'invalid', problems: ArgumentProblem[] }} ArgumentsProblems */
/** @typedef {import('ajv').ErrorObject} ErrorObject */

// An untrusted regular expression could run without end. Removing the keyword `pattern` removes its expressions, but
// `additionalProperties` still reads those of `patternProperties`.
const MATCHES_ALL = Object.assign(() => ({ test: () => true }), { code: 'matchesAll' });
/** Drafts that differ from 2020-12 in keywords that schemas use: arrays of `items`, `definitions`. */
const OLDER_DRAFT = /draft-0[4-7]/;
/** The most characters of a schema, which comes from an untrusted server. */
const MAX_SCHEMA_CHARACTERS = 256 * 1024;
/** A message may name keys of the arguments and properties of the schema, which may be of any length. */
const MAX_MESSAGE_CHARACTERS = 500;

if (workerData?.isForToolArguments) {
  parentPort?.on('message', (/** @type {string} */ question) => {
    parentPort?.postMessage('started');
    const { inputSchema, args, findsAll } = JSON.parse(question);
    const answer = findsAll ? findArgumentProblems : validateToolArguments;
    parentPort?.postMessage(answer(inputSchema, args));
  });
}

/**
 * Checks arguments against a tool's input schema. A schema that does not compile refuses no arguments: the server
 * checks the call itself, and its tools must stay callable although their schema is broken.
 *
 * @see MCP 2025-11-25 server/tools: JSON Schema 2020-12 unless `$schema` says otherwise
 * @param {Record<string, unknown>} inputSchema
 * @param {Record<string, unknown>} args
 * @returns {ArgumentsOutcome}
 */
export function validateToolArguments(inputSchema, args) {
  const errors = findErrors(inputSchema, args, { allErrors: false });
  return errors === undefined ? { kind: 'valid' } : { kind: 'invalid', message: describeErrors(errors) };
}

/**
 * Checks as `validateToolArguments` does, and describes each problem with its place. Takes longer, because it does not
 * stop at the first.
 *
 * @param {Record<string, unknown>} inputSchema
 * @param {Record<string, unknown>} args
 * @returns {ArgumentsProblems}
 */
export function findArgumentProblems(inputSchema, args) {
  const errors = findErrors(inputSchema, args, { allErrors: true });
  return errors === undefined ? { kind: 'valid' } : { kind: 'invalid', problems: describeProblems(errors) };
}

/**
 * @param {Record<string, unknown>} inputSchema
 * @param {unknown} args
 * @param {{ allErrors: boolean }} options
 * @returns {ErrorObject[] | undefined}
 */
function findErrors(inputSchema, args, options) {
  if (JSON.stringify(inputSchema).length > MAX_SCHEMA_CHARACTERS) return undefined;
  try {
    const validate = compile(inputSchema, options);
    return validate(args) ? undefined : (validate.errors ?? []);
  } catch {
    return undefined;
  }
}

/**
 * Creates an Ajv instance for each schema, because schemas of different servers may have the same $id. Ajv's `$async`
 * would make the outcome a promise, which is always true.
 *
 * @param {Record<string, unknown>} inputSchema
 * @param {{ allErrors: boolean }} options
 */
function compile({ $schema, $async: _, ...schema }, { allErrors }) {
  const options = {
    strict: false,
    allErrors,
    logger: /** @type {const} */ (false),
    code: { regExp: MATCHES_ALL },
  };
  const ajv = OLDER_DRAFT.test(String($schema)) ? new Ajv(options) : new Ajv2020(options);
  addFormats.default(ajv);
  ajv.removeKeyword('pattern').removeKeyword('patternProperties');
  return ajv.compile(schema);
}

/**
 * Names paths and rules, never values: the message is stored in histories and sent in answers.
 *
 * @param {ErrorObject[]} errors
 */
function describeErrors([error]) {
  if (error === undefined) return 'the arguments do not fit the tool';
  const where = error.instancePath === '' ? 'the arguments' : error.instancePath;
  return `${where}: ${error.message ?? error.keyword}`.slice(0, MAX_MESSAGE_CHARACTERS);
}
