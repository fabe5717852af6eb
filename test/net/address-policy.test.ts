import { describe, expect, test } from 'vitest';
import { addressAllowed } from '../../src/net/address-policy.ts';

const PUBLIC = [
  '93.184.215.14',
  '1.1.1.1',
  '2606:4700:4700::1111',
  '::ffff:93.184.215.14',
  '64:ff9b::5db8:d70e',
  '2002:5db8:d70e::1',
  '2606:4700::5efe:93.184.215.14',
  '2606:4700::a9fe:a9fe',
];
const PRIVATE = [
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '100.64.0.1',
  'fd12:3456::1',
  '::ffff:10.0.0.1',
  '::ffff:a00:1',
  '64:ff9b::a00:1',
  '2002:a00:1::1',
  'fd12:3456::a9fe:a9ff',
  'fd00:100::100:201',
  'fd12:3456::5efe:10.0.0.1',
  '2606:4700::200:5efe:10.0.0.1',
  'fd12:3456::5efe:93.184.215.14',
];
const LOOPBACK = [
  '127.0.0.1',
  '127.255.255.254',
  '::1',
  '0:0:0:0:0:0:0:1',
  '::ffff:127.0.0.1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::1',
];
const NEVER = {
  'link-local': ['169.254.1.1', 'fe80::1', '::ffff:169.254.1.1', '64:ff9b::a9fe:101', '2002:a9fe:101::'],
  'with a zone': ['fe80::1%eth0', 'fd12:3456::1%eth0', '::1%lo'],
  unspecified: ['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0'],
  broadcast: ['255.255.255.255'],
  multicast: ['224.0.0.1', '239.255.255.250', 'ff02::1'],
  metadata: [
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '169.254.170.2',
    '169.254.170.23',
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fd00:0ec2::0023',
    'FD00:EC2::23',
    'fd00:ec2::253',
    'fd00:42::42',
    '64:ff9b::a9fe:aa17',
    '2002:a9fe:a9fe::',
    '::169.254.169.254',
    '64:ff9b:1::a9fe:a9fe',
    '64:ff9b::6464:64c8',
    '64:ff9b::a83f:8110',
    '2002:6464:64c8::',
    'fd00:0ec2:0:0:0:0:0:254',
    'fd20:ce::254',
    '100.100.100.200',
    '::ffff:100.100.100.200',
    '168.63.129.16',
    '::ffff:168.63.129.16',
    '192.0.0.192',
    'fd00:c1::a9fe:a9fe',
    'fd00:a9fe:a9fe::1',
    '100.96.0.96',
    '::ffff:100.96.0.96',
    '64:ff9b::6460:60',
    '2002:6460:60::',
    'fd00:100::100:200',
    'fd12:3456::a9fe:a9fe',
    'fdff:ffff:1:2:3:4:169.254.169.254',
    'fc00::a9fe:a9fe',
  ],
  reserved: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '240.0.0.1', '2001:db8::1'],
  'IPv4 in other clothes': [
    '::7f00:1', // compatible, RFC 4291 §2.5.5.1
    '::127.0.0.1',
    '::1.2.3.4',
    '0:0:0:0:0:0:1.2.3.4',
    '::10.0.0.1',
    '::93.184.215.14',
    '64:ff9b:1::1.2.3.4',
    '::ffff:0:127.0.0.1', // translated, RFC 2765
    '64:ff9b:1::7f00:1', // local-use NAT64, RFC 8215
    '64:ff9b:1::5db8:d70e',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2', // Teredo
    '2606:4700::5efe:169.254.169.254', // ISATAP, RFC 5214
    '2606:4700::200:5efe:a9fe:a9fe',
    '2606:4700::5efe:100.100.100.200',
    '2606:4700::5efe:0.0.0.0',
    'fd12:3456::5efe:169.254.170.2',
    'fd12:3456::200:5efe:168.63.129.16',
    'fe80::5efe:10.0.0.1',
  ],
  'unassigned or deprecated': ['fec0::1', '4000::1', '100::1', '5f00::1', '3fff::1'],
  'no address': ['', 'localhost', '127.1', '0x7f.0.0.1', '2130706433', '017700000001', '[::1]', '1.2.3.4.5'],
};

describe('the address policy', () => {
  test.each(PUBLIC)('allows the public address %s to everyone', (address) => {
    expect(addressAllowed(address, 'public', 'user')).toBe(true);
    expect(addressAllowed(address, 'public', 'admin')).toBe(true);
    expect(addressAllowed(address, 'development', 'user')).toBe(true);
  });

  test.each(PRIVATE)('allows the private address %s only where an admin gave it', (address) => {
    expect(addressAllowed(address, 'public', 'admin')).toBe(true);
    expect(addressAllowed(address, 'public', 'user')).toBe(false);
    expect(addressAllowed(address, 'development', 'admin')).toBe(true);
    expect(addressAllowed(address, 'development', 'user')).toBe(false);
  });

  test.each(LOOPBACK)('allows the loopback address %s only in development', (address) => {
    expect(addressAllowed(address, 'public', 'user')).toBe(false);
    expect(addressAllowed(address, 'public', 'admin')).toBe(false);
    expect(addressAllowed(address, 'development', 'user')).toBe(true);
    expect(addressAllowed(address, 'development', 'admin')).toBe(true);
  });

  const never = Object.entries(NEVER).flatMap(([kind, all]) => all.map((address) => ({ kind, address })));
  test.each(never)('never allows $address ($kind)', ({ address }) => {
    for (const policy of ['public', 'development'] as const) {
      for (const source of ['user', 'admin'] as const) {
        expect(addressAllowed(address, policy, source), `${policy} ${source}`).toBe(false);
      }
    }
  });
});
