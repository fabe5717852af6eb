import { generate } from 'selfsigned';

export interface Certificate {
  key: string;
  cert: string;
}

type Extensions = NonNullable<NonNullable<Parameters<typeof generate>[1]>['extensions']>;

const CA: Extensions = [
  { name: 'basicConstraints', cA: true, critical: true },
  { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
];
const LEAF: Extensions = [
  { name: 'basicConstraints', cA: false, critical: true },
  { name: 'keyUsage', digitalSignature: true, critical: true },
  { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
  { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
];

/** A certificate authority that nothing trusts but what is told to. */
export function createAuthority(name: string): Promise<Certificate> {
  return create(name, CA);
}

/** A certificate of `localhost`, for a server or a client. */
export function createLeaf(name: string, ca: Certificate): Promise<Certificate> {
  return create(name, LEAF, ca);
}

async function create(name: string, extensions: Extensions, ca?: Certificate): Promise<Certificate> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions,
    ...(ca && { ca }),
  });
  return { key, cert };
}
