import { expect, test } from 'vitest';
import { readResponse } from '../../src/mcp/http/read-response.ts';

const CONTENT = { jsonrpc: '2.0', id: 1, result: { content: [] } };

test.each([
  ['json', (response: Response) => response.json()],
  ['text', async (response: Response) => JSON.parse(await response.text())],
  ['the json of a clone', (response: Response) => response.clone().json()],
])('a response that has been read gives its content as %s', async (_how, read) => {
  const response = readResponse(CONTENT, new Headers({ 'content-type': 'application/json' }));

  expect(await read(response)).toEqual(CONTENT);
  expect([response.status, response.clone().headers.get('content-type')]).toEqual([200, 'application/json']);
});
