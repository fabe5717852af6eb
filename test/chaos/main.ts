import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApprover } from './approver.ts';
import { type Background, startBackground } from './background.ts';
import { startChaosWorld, type Undo } from './chaos-world.ts';
import { type Findings, failuresOf, findingsOf, type PlayedRound } from './findings.ts';
import { type ChaosOptions, readOptions, USAGE } from './options.ts';
import { playRound, type Stage } from './play-round.ts';
import { createRandom, type Random } from './random.ts';
import { report, reportAsJson } from './report.ts';
import { planQuietRound, planRound, type RoundPlan, USERS } from './round-plan.ts';
import { sabotage } from './sabotage.ts';
import { SCENARIOS } from './scenarios.ts';
import { probeEveryGrant, settleSteps, sleepingWaiters } from './settle.ts';
import { createStepLedger } from './step-ledger.ts';

/** Of a run that is limited in time: what comes after the last fault. */
const SETTLING_MINUTES = 1;
/** Fewer, however slow the machine is, show nothing. */
const FEWEST_ROUNDS = 3;
/** A few turns of the schedule that heals lost resumptions. */
const WAITERS_WAKE_WITHIN_MS = 120_000;

interface Run extends Stage {
  options: ChaosOptions;
  random: Random;
  rounds: PlayedRound[];
  say: (line: string) => void;
  startedAt: number;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const say = options.json ? () => {} : (line: string) => console.log(line);
  say(`seed ${options.seed}`);
  const undo: Undo = [];
  const cleanUp = async () => {
    for (const undoOne of undo.splice(0).reverse()) await undoOne().catch(console.error);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => cleanUp().finally(() => process.exit(1)));
  }
  try {
    const run = await prepare(options, say, undo);
    process.exitCode = await play(run);
  } finally {
    await cleanUp();
  }
}

async function prepare(options: ChaosOptions, say: (line: string) => void, undo: Undo): Promise<Run> {
  const random = createRandom(options.seed);
  const world = await startChaosWorld(random.fork('world'), USERS, undo);
  const logFile = join(world.folder, 'chaos.log');
  const log = (line: string) => appendFileSync(logFile, `${new Date().toISOString()} ${line}\n`);
  say(`logs are in ${world.folder}`);
  const stage = { world, stepLedger: createStepLedger(), underWay: new Set<Promise<void>>(), log };
  return { ...stage, options, random, rounds: [], say, startedAt: performance.now() };
}

/** The exit code. */
async function play(run: Run): Promise<number> {
  const { world, stepLedger, random, options } = run;
  const approver = createApprover({ ...world, stepLedger, random: random.fork('approver') });
  const background = startBackground(world, stepLedger, approver, random.fork('background'));
  if (options.controls) return playControls(run, background);
  await playRounds(run);
  run.say('no more faults: every step has to end now');
  const settled = await settle(run, background, WAITERS_WAKE_WITHIN_MS);
  const findings = { ...settled, roundsMissing: roundsMissing(run) };
  tell(run, findings);
  const scenarios = new Set(run.rounds.map(({ scenario }) => scenario));
  run.say(`${run.rounds.length} rounds, ${scenarios.size} of ${SCENARIOS.length} kinds of fault`);
  return failuresOf(findings).length === 0 ? 0 : 1;
}

function roundsMissing({ options, rounds }: Run): number {
  return Math.max(Math.min(FEWEST_ROUNDS, options.rounds) - rounds.length, 0);
}

async function playRounds(run: Run): Promise<void> {
  const { options, random } = run;
  const until = (options.minutes - SETTLING_MINUTES) * 60_000;
  for (let round = 0; round < options.rounds; round += 1) {
    if (performance.now() - run.startedAt > until) return;
    await playOne(run, planRound(random, round));
  }
}

async function playOne(run: Run, plan: RoundPlan): Promise<void> {
  const { round, scenario } = plan;
  run.rounds.push({ round, scenario, startedAt: Date.now() });
  run.log(JSON.stringify({ event: 'round', ...plan, load: plan.load.length }));
  await playRound(run, plan);
  const losses = run.world.ledger.losses.length;
  run.say(
    `round ${round + 1}: ${scenario}; ${run.stepLedger.open().length} steps open, ${losses} grants lost`,
  );
}

async function settle(run: Run, background: Background, waitersPatienceMs: number): Promise<Findings> {
  await settleSteps(run);
  await probeEveryGrant(run, run.rounds.at(-1)?.round ?? 0);
  const sleeping = await sleepingWaiters(run.world, waitersPatienceMs);
  await background.stop();
  return findingsOf(run.world, run.stepLedger, run.rounds, sleeping);
}

/** Passes if each planted fault is found: otherwise a run without findings would prove nothing. */
async function playControls(run: Run, background: Background): Promise<number> {
  await playOne(run, planQuietRound(run.random, 0));
  await settleSteps(run);
  await sabotage(run, USERS[0] ?? '');
  const findings = await settle(run, background, 0);
  tell(run, findings);
  const { avoidableLosses, stepsLost, callsDoubled } = findings.total;
  const { sleepingWaiters, crashes } = findings;
  const found = [avoidableLosses, stepsLost, callsDoubled, sleepingWaiters.length, crashes.length];
  const passed = found.every((count) => count === 1);
  run.say(passed ? 'controls passed: each crime was found once' : `controls FAILED: found ${found}`);
  return passed ? 0 : 1;
}

function tell({ options, world, stepLedger, startedAt, log, say }: Run, findings: Findings): void {
  const facts = { seed: options.seed, seconds: (performance.now() - startedAt) / 1000, folder: world.folder };
  say(report(findings, facts));
  log(reportAsJson(findings, facts));
  writeFileSync(
    join(world.folder, 'steps.jsonl'),
    stepLedger.views.map((view) => JSON.stringify(view)).join('\n'),
  );
  if (options.json) console.log(reportAsJson(findings, facts));
}

main().catch((error: unknown) => {
  console.error(error, `\n${USAGE}`);
  process.exitCode = 1;
});
