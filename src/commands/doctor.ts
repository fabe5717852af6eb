import { type Command, InvalidArgumentError } from 'commander';
import { withDevEnvironment } from '../config/dev-environment.ts';
import { loadApiAccess } from '../config/load-config.ts';
import type { Check } from '../operations/doctor-check.ts';
import { colorsOf } from './colors.ts';
import { checkLine, summaryOf } from './doctor-report.ts';
import { readDevEnvironment } from './running-dev.ts';
import { createSpinner } from './spinner.ts';
import { variablesHelp } from './variables-help.ts';

const ROLES = ['worker', 'server'] as const;
type Role = (typeof ROLES)[number];

interface DoctorFlags {
  role?: Role[];
  json?: true;
}

const HELP = `
Example: npx latchkey doctor

Changes nothing and prints no secret. It takes two minutes at most, if nothing answers in time.
The variables of workers are in \`latchkey worker --help\`. Without DATABASE_URL it checks the \`latchkey dev\` that runs in this folder.
Exit code: 0 nothing failed; 1 a check failed, or was not made because another failed.`;

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check the configuration, Postgres, Temporal and each MCP server; says what to do')
    .option(
      '--role <role>',
      'whose configuration this environment has, worker or server; can be repeated (default: both)',
      collectRoles,
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', () => `${HELP}\n${variablesHelp('server')}`)
    .action(doctor);
}

async function doctor({ role = [...ROLES], json }: DoctorFlags): Promise<void> {
  const { runDoctor } = await import('../operations/doctor.ts');
  const isTty = process.stdout.isTTY === true;
  const colors = colorsOf(process.stdout);
  const spinner = createSpinner(process.stderr);
  const checks: Check[] = [];
  spinner.show('Checking');
  for await (const check of runDoctor({ roles: role, environment: await environmentOfDoctor() })) {
    checks.push(check);
    spinner.clear();
    if (!json) print(checkLine(check, isTty, colors));
    spinner.show('Checking');
  }
  spinner.clear();
  const ok = checks.every(({ status }) => status !== 'failed');
  if (json) print(JSON.stringify({ ok, checks }));
  else if (isTty) print(`\n${summaryOf(checks)}`);
  if (!ok) process.exitCode = 1;
}

/** With the variables of a running `latchkey dev`, unless the environment is that of other services. */
async function environmentOfDoctor() {
  const loaded = loadApiAccess();
  const dev = loaded.ok ? await readDevEnvironment(loaded.access.dataDir) : undefined;
  return withDevEnvironment(dev);
}

function collectRoles(text: string, roles: Role[] = []): Role[] {
  const role = ROLES.find((one) => one === text);
  if (role === undefined) throw new InvalidArgumentError(`one of ${ROLES.join(', ')}`);
  return [...roles, role];
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
