import { readFileSync } from 'node:fs';

const PAGE = readFileSync(new URL('../../../docs/deploy.md', import.meta.url), 'utf8');

/** The page's pgbouncer.ini, for a database and a Postgres of the test. */
export function documentedSettings(database: string, postgres: URL): string {
  const place = `host=${postgres.hostname} port=${postgres.port} dbname=${database}`;
  return block('ini').replace(/^latchkey = .*$/m, `${database} = ${place}`);
}

/** The page's statement about the user, for a user of the test. */
export function documentedStatement(user: string): string {
  return block('sql').replace('ROLE latchkey', `ROLE ${user}`);
}

function block(language: string): string {
  const [, text] =
    new RegExp(`PgBouncer in transaction mode[^]*?\`\`\`${language}\\n([^]*?)\`\`\``).exec(PAGE) ?? [];
  if (text === undefined) throw new Error(`the page has no ${language} about PgBouncer`);
  return text;
}
