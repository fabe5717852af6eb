import type { Payload } from '@temporalio/common';
import type { FastifyRequest } from 'fastify';
import type { PayloadCipher } from '../../payloads/payload-cipher.ts';
import {
  decodePayloadsSchema,
  encodePayloadsSchema,
  type PayloadJson,
  payloadsSchema,
} from '../../schemas/http-codec.ts';
import { callerOf, requireAdmin } from '../caller.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { TOKEN_ONLY } from '../plugins/openapi.ts';
import { payloadEncryptionOff } from '../problem.ts';

export const CODEC_URLS = { decode: '/codec/decode', encode: '/codec/encode' } as const;

/** Room for the largest message of Temporal (4 MiB) in base64. */
const BODY_LIMIT_BYTES = 8 * 1024 * 1024;

const common = {
  bodyLimit: BODY_LIMIT_BYTES,
  config: { problems: [403, 404] },
  onRequest: requireAdmin,
};
const tags = ['Payloads (admin)'];

/**
 * Registers the admin routes of a codec server for Temporal's UI and CLI.
 *
 * @see https://docs.temporal.io/codec-server
 */
export function registerCodec(
  api: HttpApp,
  { payloadCipher }: Pick<HttpDependencies, 'payloadCipher'>,
): void {
  registerDecode(api, payloadCipher);
  registerEncode(api, payloadCipher);
}

type Cipher = HttpDependencies['payloadCipher'];

function registerDecode(api: HttpApp, payloadCipher: Cipher): void {
  api.post(CODEC_URLS.decode, {
    ...common,
    schema: {
      operationId: 'decodePayloads',
      summary: "Decrypt payloads, for Temporal's UI and CLI",
      description: 'A payload that Latchkey did not encrypt, or whose key is missing, is returned unchanged.',
      tags,
      ...TOKEN_ONLY,
      body: decodePayloadsSchema,
      response: { 200: payloadsSchema },
    },
    handler: async (request) => {
      const cipher = required(payloadCipher);
      const outcomes = await Promise.all(request.body.payloads.map((payload) => decode(cipher, payload)));
      const opened = outcomes.filter((outcome) => outcome.opened).length;
      logUse(request, { payloads: outcomes.length, opened });
      return { payloads: outcomes.map(({ payload }) => payload) };
    },
  });
}

function registerEncode(api: HttpApp, payloadCipher: Cipher): void {
  api.post(CODEC_URLS.encode, {
    ...common,
    schema: {
      operationId: 'encodePayloads',
      summary: 'Encrypt payloads that the CLI sends to Temporal',
      tags,
      ...TOKEN_ONLY,
      body: encodePayloadsSchema,
      response: { 200: payloadsSchema },
    },
    handler: async (request) => {
      const cipher = required(payloadCipher);
      const sealed = await Promise.all(
        request.body.payloads.map((payload) => cipher.seal(fromJson(payload))),
      );
      logUse(request, { payloads: sealed.length });
      return { payloads: sealed.map(toJson) };
    },
  });
}

function required(cipher: PayloadCipher | undefined): PayloadCipher {
  if (cipher === undefined) throw payloadEncryptionOff();
  return cipher;
}

/** Logs who decoded or encoded how many payloads, never the payloads themselves. */
function logUse(request: FastifyRequest, counts: { payloads: number; opened?: number }): void {
  const { userId } = callerOf(request);
  request.log.info({ userId, route: request.routeOptions.url, ...counts }, 'the codec was used');
}

async function decode(
  cipher: PayloadCipher,
  payload: PayloadJson,
): Promise<{ opened: boolean; payload: PayloadJson }> {
  const outcome = await cipher.open(fromJson(payload));
  return outcome.kind === 'opened'
    ? { opened: true, payload: toJson(outcome.payload) }
    : { opened: false, payload };
}

function fromJson({ metadata = {}, data = '' }: PayloadJson): Payload {
  const decoded = Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')]);
  return { metadata: Object.fromEntries(decoded), data: Buffer.from(data, 'base64') };
}

function toJson({ metadata, data }: Payload): PayloadJson {
  const encoded = Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)]);
  return { metadata: Object.fromEntries(encoded), data: base64(data ?? new Uint8Array()) };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
