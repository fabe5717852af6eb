import { parseArgs } from 'node:util';
import { formatProblems, loadConfig } from '../../config/load-config.ts';
import { startDemoSignIn } from './demo-sign-in.ts';
import { createNarrator } from './narrator.ts';
import { setStage } from './stage.ts';
import { playStory } from './story.ts';
import { leaveUnfinishedSteps } from './unfinished-steps.ts';

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, serve: { type: 'boolean', default: false } },
});
const write = (line: string) => process.stdout.write(`${line}\n`);
const narrator = createNarrator({ json: values.json, write });

const loaded = loadConfig('dev');
if (!loaded.ok) {
  process.stderr.write(`${formatProblems(loaded.problems)}\n`);
  process.exit(2);
}
narrator.tell('Starting Postgres, Temporal, an authorization server, an MCP server, a worker and the API.');
const stage = await setStage(loaded.config);
try {
  await playStory(stage, narrator);
  narrator.check('every fact above was checked and holds', narrator.allTrue());
  if (values.serve) await serveUntilInterrupted();
} finally {
  await stage.stop();
}
process.exitCode = narrator.allTrue() ? 0 : 1;

async function serveUntilInterrupted(): Promise<void> {
  narrator.tell('Ada withdraws her consent once more, and some steps are left for you to finish.');
  const connectUrl = await leaveUnfinishedSteps(stage);
  const home = await startDemoSignIn(stage, '/');
  const paused = await startDemoSignIn(stage, connectUrl);
  write(`\nThe web page is at ${stage.apiUrl}. To open it signed in as Ada: ${home.url}`);
  write(`The link of a paused step is ${connectUrl}. To open it as Ada: ${paused.url}`);
  write(`The API is at ${stage.apiUrl} (browse it at /docs), a token for it in ${stage.tokenFile}.`);
  write(`For commands in another terminal: ${exportLine()}`);
  write(`Temporal's own page is at ${stage.temporal.ui}. Ctrl-C ends it all.`);
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
  await Promise.all([home.close(), paused.close()]);
}

/** What a person pastes into a shell, so that `latchkey …` finds the demo. It does not show the token. */
function exportLine(): string {
  return `export LATCHKEY_URL=${stage.apiUrl} LATCHKEY_TOKEN="$(cat ${stage.tokenFile})"`;
}
