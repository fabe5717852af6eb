import Ajv2020 from 'ajv/dist/2020.js';
import type { PageBlock } from '../page-blocks.ts';

/** What the JSON of a page is: the body of a request, or an answer of this status. By the name of its block. */
const OPERATIONS: Record<string, readonly [operation: string, status: string]> = {
  'connect-1': ['post /connect-sessions', '201'],
  'http-api-1': ['post /mcp-oauth-credentials', '400'],
  'http-api-2': ['post /mcp-oauth-credentials', '200'],
  'http-api-3': ['get /mcp-oauth-credentials', '200'],
  'http-api-4': ['get /list-mcp-tools', '409'],
  'http-api-5': ['get /mcp-tools', '200'],
  'http-api-6': ['post /preflight', 'request'],
  'http-api-7': ['post /preflight', '200'],
  'http-api-8': ['put /mcp-servers/{id}', '201'],
  'http-api-9': ['post /sign-in-links', '201'],
  'http-api-10': ['get /connect-sessions/{id}', '200'],
};

/** Says of the JSON of the pages what does not fit the API's own description. */
export function misfits(blocks: readonly PageBlock[], openapi: object): string[] {
  // Times and addresses are cut short in the pages.
  const ajv = new Ajv2020.default({ strict: false, validateFormats: false });
  ajv.addSchema(openapi, 'openapi');
  return Object.entries(OPERATIONS).flatMap(([name, [operation, status]]) => {
    const [method = '', path = ''] = operation.split(' ');
    const body = status === 'request' ? ['requestBody'] : ['responses', status];
    const place = ['paths', path, method, ...body, 'content', mediaTypeOf(status), 'schema'];
    const pointer = place.map((part) => part.replaceAll('/', '~1')).join('/');
    const block = blocks.find((one) => one.name === name);
    const validate = ajv.compile({ $ref: `openapi#/${pointer}` });
    if (validate(JSON.parse(block?.text ?? 'null'))) return [];
    return [`${name}: ${ajv.errorsText(validate.errors)}`];
  });
}

function mediaTypeOf(status: string): string {
  return status.startsWith('4') ? 'application/problem+json' : 'application/json';
}
