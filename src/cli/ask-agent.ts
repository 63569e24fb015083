import * as v from 'valibot';
import { fail, succeed } from '../model/mod.ts';
import type { Outcome, Problem } from '../model/mod.ts';
import type { ConnectionsReport, StatusReport } from '../observe/mod.ts';
import { describePage, fetchPage, parsePlaces } from './agent-place.ts';
import type { Answer } from './agent-place.ts';
import { printProblems } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/** A problem as pages tell it. */
export const problemSchema = v.object({
  code: v.custom<`WP_${string}`>((code) => typeof code === 'string'),
  message: v.string(),
});

const rowSchema = v.object({
  family: v.picklist(['IPv4', 'IPv6']),
  service: v.string(),
  servicePort: v.string(),
  kind: v.picklist(['ClusterIP', 'NodePort', 'ExternalIP', 'LoadBalancerIP']),
  address: v.string(),
  protocol: v.picklist(['TCP', 'UDP', 'SCTP']),
  port: v.number(),
  backends: v.number(),
  verdict: v.picklist(['forward', 'reject', 'drop']),
  state: v.picklist(['Pending', 'Done', 'Error']),
  since: v.number(),
  reason: v.string(),
  code: v.string(),
});

const reportSchema = v.object({ mode: v.string(), synced: v.boolean(), rows: v.array(rowSchema) });

const count = v.number();
/** Agents before it was counted do not tell it, and saved states of theirs do not have it. */
const total = v.optional(v.nullable(count), null);

const connectionsSchema = v.object({
  mode: v.string(),
  families: v.array(
    v.object({
      family: v.picklist(['IPv4', 'IPv6']),
      servers: v.array(
        v.object({
          server: v.string(),
          service: v.nullable(v.string()),
          destinations: v.array(
            v.object({
              endpoint: v.string(),
              weight: count,
              active: count,
              inactive: count,
              persistent: count,
              connections: total,
              inPackets: total,
              outPackets: total,
              inBytes: total,
              outBytes: total,
              draining: v.boolean(),
            }),
          ),
        }),
      ),
    }),
  ),
  problems: v.array(problemSchema),
});

/** How a page is asked for. */
export interface AskOptions {
  /** States whose body is looked at; 200 where not given. */
  readonly states?: readonly number[];
  readonly method?: 'GET' | 'POST';
  /** Milliseconds until nobody waits for an answer any more. */
  readonly patience?: number;
}

/**
 * Asks the agent whose debug pages are at `url` (places with commas between) for its status rows. Fails with `WP_CLI_URL`,
 * `WP_CLI_NO_AGENT`, `WP_CLI_SAVED_STATE` or `WP_CLI_NOT_AN_AGENT`.
 */
export async function askAgent(url: string): Promise<Outcome<StatusReport>> {
  return await askPage(url, '/services', reportSchema);
}

const sentSchema = v.variant('ok', [v.object({ ok: v.literal(true) }), v.object({ ok: v.literal(false), error: v.string() })]);

/** Has the agent do something. Fails as {@link askAgent} does, and with `WP_CLI_REFUSED` where the agent does not want to. */
export async function sendToAgent(url: string, path: string): Promise<Outcome<void>> {
  const sent = await askPage(url, path, sentSchema, { states: [200, 400, 404, 405], method: 'POST' });
  if (!sent.ok) return sent;
  return sent.value.ok ? succeed(undefined) : fail('WP_CLI_REFUSED', sent.value.error);
}

/** The same for connection counts. */
export async function askConnections(url: string): Promise<Outcome<ConnectionsReport>> {
  return await askPage(url, '/connections', connectionsSchema);
}

/** Asks for a page of JSON. */
export async function askPage<T>(
  url: string,
  path: string,
  schema: v.GenericSchema<unknown, T>,
  { states = [200], method = 'GET', patience = 10_000 }: AskOptions = {},
): Promise<Outcome<T>> {
  const asked = await askText(url, path, { method, patience });
  if (!asked.ok) return asked;
  const { status, text, page } = asked.value;
  const parsed = states.includes(status) ? v.safeParse(schema, readJson(text)) : null;
  if (parsed?.success === true) return succeed(parsed.output);
  return fail('WP_CLI_NOT_AN_AGENT', `${page} answers (status ${status}), but not as a waypost agent of this version does`);
}

/**
 * Asks for a page as it is, at the first of the places that `url` names where somebody can be asked; whoever takes the question and
 * does not answer is the last. `page` names it for messages. Fails with `WP_CLI_URL`, `WP_CLI_NO_AGENT` or `WP_CLI_SAVED_STATE`.
 */
export async function askText(
  url: string,
  path: string,
  { method = 'GET', patience = 10_000 }: AskOptions = {},
): Promise<Outcome<Answer & { readonly page: string }>> {
  const places = parsePlaces(url);
  if (!places.ok) return places;
  const reasons: string[] = [];
  let last: unknown = null;
  for (const place of places.value) {
    const page = describePage(place, path);
    try {
      return succeed({ ...(await fetchPage(place, path, method, patience)), page });
    } catch (cause) {
      if (place.kind === 'file') return fail('WP_CLI_SAVED_STATE', `--from ${place.path}: ${reasonOf(cause, patience)}`, cause);
      reasons.push(`${page} (${reasonOf(cause, patience)})`);
      last = cause;
      if (!isUnreachable(cause)) break;
    }
  }
  const hint = 'is "waypost run" running on this node, and is this its metrics address (metricsBindAddress)?';
  return fail('WP_CLI_NO_AGENT', `no agent answers at ${reasons.join(' or ')}: ${hint}`, last);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Nobody listens there, or not for this user: another place may do. */
function isUnreachable(cause: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ECONNREFUSED', 'EACCES', 'EPERM'].includes((cause as NodeJS.ErrnoException).code ?? '');
}

/** `fetch` hides the system's reason in the cause, which may have several of them. */
function reasonOf(error: unknown, patience: number): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  if ((first as Error | null)?.name === 'TimeoutError') return `no answer within ${patience / 1000} s`;
  return first instanceof Error ? first.message : String(first);
}

/** Prints why a question could not be put or was not answered. Gives the exit code: a `--url` that is none is wrong usage. */
export function tellUnanswered(problem: Problem, terminal: Terminal): 1 | 2 {
  printProblems(terminal, [problem]);
  return problem.code === 'WP_CLI_URL' ? 2 : 1;
}
