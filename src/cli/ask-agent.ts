import * as v from 'valibot';
import { fail, succeed } from '../model/mod.ts';
import type { Outcome, Problem } from '../model/mod.ts';
import type { ConnectionsReport, StatusReport } from '../observe/mod.ts';
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
 * Asks the agent whose debug pages are at `url` for its status rows. Fails with `WP_CLI_URL`,
 * `WP_CLI_NO_AGENT` or `WP_CLI_NOT_AN_AGENT`.
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
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    return fail('WP_CLI_URL', `--url must be a URL such as http://127.0.0.1:10249, not "${url}"`);
  }
  const page = new URL(path, url).href;
  try {
    const response = await fetch(page, { method, signal: AbortSignal.timeout(patience) });
    const parsed = states.includes(response.status) ? v.safeParse(schema, await readJson(response)) : null;
    if (parsed?.success === true) return succeed(parsed.output);
    return fail(
      'WP_CLI_NOT_AN_AGENT',
      `${page} answers (status ${response.status}), but not as a waypost agent of this version does`,
    );
  } catch (cause) {
    const hint = 'is "waypost run" running on this node, and is this its metrics address (metricsBindAddress)?';
    return fail('WP_CLI_NO_AGENT', `no agent answers at ${page} (${reasonOf(cause, patience)}): ${hint}`, cause);
  }
}

async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
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
