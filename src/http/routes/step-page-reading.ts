// What the routes of a step's page share: reading what the page shows, and sending it.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { accountMember } from '../../contracts/accounts.ts';
import { isWithin } from '../../contracts/json-size.ts';
import type { AboutPause } from '../../contracts/messages.ts';
import type { StepView } from '../../contracts/step.ts';
import type { KnownConnections } from '../../credentials/known-connections.ts';
import { stepIdSchema } from '../../schemas/id.ts';
import type { StepKey } from '../../steps/read-step.ts';
import type { DecisionOutcome } from '../../steps/send-decision.ts';
import type { ShownStep } from '../../steps/show-step.ts';
import { TemporalUnavailable } from '../../temporal/temporal-call.ts';
import type { ToolFinder } from '../../tools/tool-finder.ts';
import { fieldsOf } from '../../web/arguments-form/fields-of.ts';
import type { ArgumentsView } from '../../web/arguments-form/form-field.ts';
import { formMark } from '../../web/arguments-form/form-mark.ts';
import { valuesOf } from '../../web/arguments-form/form-values.ts';
import { isAboutToGoOn } from '../../web/connection-needs.ts';
import { namesOfServers } from '../../web/home/names.tsx';
import { stepPath } from '../../web/paths.ts';
import type { ApprovalForm, RefusedInput } from '../../web/step/decision-input.ts';
import { stepPage } from '../../web/step/step-page.tsx';
import { argumentsToApprove, type StepPageData, type StepServer } from '../../web/step/step-page-data.ts';
import { type SentForm, unreachablePage } from '../../web/step/unreachable-page.tsx';
import type { HttpDependencies } from '../dependencies.ts';
import { csrfField, findBrowser, settingsOf } from '../plugins/browser.ts';
import { redirectToSignIn } from '../plugins/pages.ts';
import { pageFrame, sendPage } from '../plugins/send-page.ts';
import { retryAfter, unknownStep } from '../problem.ts';

export type StepPageDependencies = Pick<
  HttpDependencies,
  'steps' | 'knownConnections' | 'argumentsChecker'
> & {
  servers: Pick<HttpDependencies['servers'], 'find' | 'list'>;
  tools: Pick<ToolFinder, 'find'>;
};

/** A larger stored result is not read for a page, which is rendered with every change: it is offered for download. */
export const MAX_SHOWN_BYTES = 1_100_000;
/** Characters of arguments that are edited in a page. Larger ones can be approved as they are. */
const MAX_EDITABLE = 64 * 1024;
const RETRY_AFTER_MS = 5_000;

/** What a page is made of, beside the browser that it is for. */
export interface ReadStepPage {
  data: StepPageData;
  approval?: ApprovalForm | undefined;
  refused?: RefusedInput | undefined;
}

/** What the form of a decision led to. */
export type Decided =
  | { kind: 'sent'; outcome: DecisionOutcome; said: string }
  /** The page is shown again with what was entered. */
  | { kind: 'shown'; status: number; page: ReadStepPage };

/**
 * The pause that a form was shown for: `web/step/pause-field.tsx`. A form without the field names a pause that no step
 * has, so it is refused.
 */
export function pauseIn({ pause = '' }: { pause?: string | undefined }): Required<AboutPause> {
  return { pause };
}

/** @throws HttpProblem 404 */
export async function readStepPage(
  deps: StepPageDependencies,
  key: StepKey,
  view: ArgumentsView,
): Promise<ReadStepPage> {
  const shown = await deps.steps.show({ ...key, maxStoredBytes: MAX_SHOWN_BYTES });
  if (shown === undefined) throw unknownStep();
  const { step } = shown;
  const [server, nameOfServer, known, approval] = await Promise.all([
    findServer(deps, step),
    step.connections && deps.servers.list().then(namesOfServers),
    deps.knownConnections(key.userId),
    approvalForm(deps, key, shown, view),
  ]);
  const label = labelOf(step, known);
  const data = { ...shown, server, nameOfServer, label, isAboutToGoOn: isAboutToGoOn(step, known) };
  return { data, approval };
}

/** The form of an approval. Undefined: the step waits for none, or its arguments are not edited in a page. */
async function approvalForm(
  deps: Pick<StepPageDependencies, 'tools'>,
  key: StepKey,
  shown: ShownStep,
  view: ArgumentsView,
): Promise<ApprovalForm | undefined> {
  const args = argumentsToApprove(shown);
  if (shown.step.awaitingInputReason !== 'needs-approval' || args === undefined) return undefined;
  if (!isWithin(args, MAX_EDITABLE)) return undefined;
  const { schema, noSchema } = await findSchema(deps, key, shown.step);
  const form = fieldsOf(schema);
  const shownView = form.kind === 'json' ? 'json' : view;
  return {
    view: shownView,
    schema,
    noSchema,
    form,
    values: valuesOf(form, args, shownView),
    mark: formMark({ view: shownView, form, original: args }),
    problems: [],
  };
}

/** The tool's input schema, or why it can't be read now. */
async function findSchema(
  { tools }: Pick<StepPageDependencies, 'tools'>,
  { userId }: Pick<StepKey, 'userId'>,
  { mcpServerId, account, tool }: StepView,
): Promise<Pick<ApprovalForm, 'schema' | 'noSchema'>> {
  const found = await tools.find({ userId, mcpServerId, ...accountMember(account) }, tool);
  return found.kind === 'found'
    ? { schema: found.tool.inputSchema }
    : { schema: undefined, noSchema: found.why };
}

export function sendStepPage(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  page: ReadStepPage,
): FastifyReply {
  const csrf = csrfField(request, reply);
  return sendPage(reply, status, stepPage(pageFrame(request, reply), { ...page, csrf }));
}

type StepRequest = FastifyRequest<{ Params: { stepId: string } }>;

/**
 * Runs `serve` for the signed-in user's step; leads other browsers to the sign-in. While Temporal can't be reached, it
 * sends a page that says so.
 *
 * @throws HttpProblem 404 for an id that no step can have
 */
export async function unlessUnreachable(
  request: StepRequest,
  reply: FastifyReply,
  serve: (key: StepKey) => Promise<FastifyReply>,
): Promise<FastifyReply> {
  const { session } = findBrowser(request);
  if (session === undefined) return redirectToSignIn(request, reply);
  const stepId = assertStepId(request.params.stepId);
  try {
    return await serve({ userId: session.userId, stepId });
  } catch (error) {
    if (!(error instanceof TemporalUnavailable)) throw error;
    const hasDecided = request.method === 'POST';
    const sent = hasDecided ? sentForm(request, reply) : undefined;
    const page = unreachablePage(pageFrame(request, reply), { stepId, hasDecided, sent });
    return sendPage(reply.headers(retryAfter(RETRY_AFTER_MS)), 503, page);
  }
}

const sentSchema = z.record(z.string(), z.string());

/** What was entered in the form of this request. Undefined: nothing. */
function sentForm(request: StepRequest, reply: FastifyReply): SentForm | undefined {
  const body = sentSchema.safeParse(request.body);
  const fields = Object.entries(body.data ?? {}).filter(([name]) => name !== 'csrf');
  const what = request.routeOptions.url?.split('/').at(-1);
  if (what === undefined || fields.length === 0) return undefined;
  return { what, csrf: csrfField(request, reply), fields };
}

/** @throws HttpProblem 404 for an id that no step can have */
export function assertStepId(stepId: string): string {
  const parsed = stepIdSchema.safeParse(stepId);
  if (!parsed.success) throw unknownStep();
  return parsed.data;
}

/** The address of the step's page, perhaps with a notice: web/step/decision-notice.tsx. */
export function stepLocation(request: FastifyRequest, stepId: string, said?: string): string {
  const path = stepPath(settingsOf(request).publicUrl, stepId);
  return said === undefined ? path : `${path}?said=${said}`;
}

async function findServer(
  { servers }: Pick<StepPageDependencies, 'servers'>,
  { mcpServerId }: StepView,
): Promise<StepServer> {
  const server = await servers.find(mcpServerId);
  return server === undefined ? {} : { title: server.title, host: URL.parse(server.url)?.host };
}

function labelOf({ mcpServerId, account }: StepView, { connections }: KnownConnections): string | undefined {
  return connections.find((one) => one.mcpServerId === mcpServerId && one.account === account)?.label;
}
