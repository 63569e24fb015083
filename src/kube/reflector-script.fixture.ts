import type { Outcome } from '../model/mod.ts';
import { fail, succeed } from '../model/mod.ts';
import type { ApiClient, ApiRequest, ApiResponse } from './client-api.ts';
import type { Clock } from './client-clock.ts';
import { createPause } from './client-pause.ts';
import { fieldOf } from './reflector-object.ts';
import { runReflector } from './reflector.ts';
import { defaultTimings } from './reflector-types.ts';
import type { ReflectorTimings, Resource } from './reflector-types.ts';

export interface Thing {
  readonly name: string;
  readonly size: number;
}

export const things: Resource<Thing> = {
  name: 'things',
  path: '/apis/example.org/v1/things',
  selectors: { labelSelector: 'a=b' },
  keyOf: (raw) => (typeof nameOf(raw) === 'string' ? String(nameOf(raw)) : null),
  decode(raw) {
    const size = fieldOf(raw, 'size');
    if (size === 'explode') throw new Error('a bug in the decoder');
    return typeof size === 'number'
      ? { ok: true, value: { name: String(nameOf(raw)), size }, warnings: [] }
      : { ok: false, problem: { code: 'WP_KUBE_OBJECT', message: `thing ${String(nameOf(raw))} has no size` } };
  },
};

function nameOf(raw: unknown): unknown {
  return fieldOf(fieldOf(raw, 'metadata'), 'name');
}

export const thing = (name: string, version: number, size: number | string = 1): object => ({
  metadata: { name, resourceVersion: String(version) },
  size,
});
export const event = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;
export const end = (version: number): string =>
  event('BOOKMARK', { metadata: { resourceVersion: String(version), annotations: { 'k8s.io/initial-events-end': 'true' } } });

/** One answer of the script: a status, the body's pieces, and how the body ends. */
export interface Answer {
  readonly status?: number;
  readonly retryAfterMs?: number;
  readonly pieces?: readonly string[];
  readonly ends?: 'regularly' | 'broken' | 'silent';
  /** How long the body takes after its last piece, in milliseconds of the script's clock. */
  readonly lasts?: number;
  /** How long each piece is waited for, likewise; 0 if not given. */
  readonly apart?: number;
  readonly unreachable?: boolean;
}

/** Runs a reflector against a script of answers; it is stopped when the script is at its end. */
export async function play(script: readonly Answer[], random = 0.5, timings: Partial<ReflectorTimings> = {}): Promise<Run> {
  const run: Run = { queries: [], idle: [], log: [], waits: [], codes: [], forgotten: 0, things: new Map() };
  const stop = new AbortController();
  const clock = new ScriptClock(run.waits);
  const left = [...script];
  const client: ApiClient = {
    async get(request: ApiRequest): Promise<Outcome<ApiResponse>> {
      const answer = left.shift();
      if (answer === undefined) {
        stop.abort();
        return fail('WP_KUBE_UNREACHABLE', 'the script is at its end');
      }
      run.queries.push(request.query);
      return answer.unreachable === true
        ? fail('WP_KUBE_UNREACHABLE', 'connection refused')
        : succeed(respond(answer, clock, run));
    },
    forgetCredentials() {
      run.forgotten += 1;
    },
    close() {},
  };
  await runReflector(
    {
      resource: things,
      client,
      clock,
      random: () => random,
      pause: createPause(4),
      takeTurn: () => 0,
      pageLimit: 500,
      timings: { ...defaultTimings, gatherMs: 0, ...timings },
      sink: {
        upsert(record) {
          run.log.push(`+${record.name}`);
          run.things.set(record.name, record);
        },
        remove(key) {
          run.log.push(`-${key}`);
          run.things.delete(key);
        },
        hold: () => void run.log.push('('),
        release: () => void run.log.push(')'),
        listed: () => void run.log.push('listed'),
        problem: (problem) => void run.codes.push(problem.code),
      },
    },
    stop.signal,
  );
  return run;
}

export interface Run {
  readonly queries: Readonly<Record<string, string>>[];
  readonly idle: number[];
  readonly log: string[];
  readonly waits: number[];
  readonly codes: string[];
  forgotten: number;
  readonly things: Map<string, Thing>;
}

export class ScriptClock implements Clock {
  readonly #waits: number[];
  #now = 0;

  constructor(waits: number[]) {
    this.#waits = waits;
  }

  now(): number {
    return this.#now;
  }

  pass(ms: number): void {
    this.#now += ms;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms <= 0 || signal.aborted) return;
    this.#waits.push(ms);
    this.#now += ms;
  }
}

export function respond(answer: Answer, clock: ScriptClock, run: Run): ApiResponse {
  const pieces = [...(answer.pieces ?? [])];
  return {
    status: answer.status ?? 200,
    retryAfterMs: answer.retryAfterMs ?? null,
    async read() {
      const piece = pieces.shift();
      if (piece !== undefined) {
        clock.pass(answer.apart ?? 0);
        return succeed(Buffer.from(piece));
      }
      clock.pass(answer.lasts ?? 0);
      if (answer.ends === 'broken') return fail('WP_KUBE_RESET', 'reset');
      return answer.ends === 'silent' ? fail('WP_KUBE_SILENT', 'silent') : succeed(null);
    },
    allowIdle: (ms) => void run.idle.push(ms),
    close() {},
  };
}

export const longWatch = 400_000;
