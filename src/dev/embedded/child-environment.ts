import { homedir, tmpdir } from 'node:os';

/**
 * What servers that this process starts find in their environment: nothing of its own, which may hold keys
 * (`ENCRYPTION_KEYS`, `JWT_SECRET`, a database's password). Their settings are arguments. Windows adds what its programs
 * can't do without by itself.
 */
export function childEnvironment(): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
    HOME: homedir(),
    TMPDIR: tmpdir(),
    LANG: 'C.UTF-8',
  };
}
