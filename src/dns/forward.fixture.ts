import { decode, encode } from 'dns-packet';
import type { DecodedPacket, Packet } from 'dns-packet';
import { parseAddress } from '../model/mod.ts';
import type { Address, Clock } from '../model/mod.ts';
import type { ForwardQuestion, ForwardResult, Forwarder } from './forward-contract.ts';
import { forwardTiming } from './forward-ports.ts';
import type { ForwardObserver, ForwardPorts, ReplyListener, UpstreamTransport } from './forward-ports.ts';
import { createForwarder } from './forward.ts';
import { parseName, rootName } from './name.ts';
import type { Name } from './name.ts';
import type { ForwardRule, Upstream } from './settings.ts';

/** A clock that stands still until it is turned. */
export class HandClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  after(delay: number, callback: () => void): () => void {
    const timer = { at: this.#now + delay, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Calls each timer at its moment, then what promises made of it. */
  async turn(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settle();
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = next.at;
      next.callback();
      await settle();
    }
    this.#now = end;
  }
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 3; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A query that was sent on a {@link FakeTransport}. */
export interface FakeSent {
  readonly to: Upstream;
  readonly bytes: Uint8Array;
  readonly query: DecodedPacket;
  readonly listener: ReplyListener;
  /** Whether somebody still listens. */
  readonly listening: () => boolean;
}

/** A transport that keeps what was sent, for the test to answer. */
export class FakeTransport implements UpstreamTransport {
  readonly sent: FakeSent[] = [];
  closed = false;
  /** Told of each query. */
  onSend: (sent: FakeSent) => void = () => {};

  send(to: Upstream, bytes: Uint8Array, listener: ReplyListener): () => void {
    let open = true;
    const once = (act: () => boolean): boolean => {
      if (!open) return false;
      open = !act();
      return !open;
    };
    const sent: FakeSent = {
      to,
      bytes,
      query: decode(Buffer.from(bytes)),
      listener: {
        take: (reply) => once(() => listener.take(reply)),
        failed: (reason) => {
          once(() => true);
          listener.failed(reason);
        },
      },
      listening: () => open,
    };
    this.sent.push(sent);
    this.onSend(sent);
    return () => {
      open = false;
    };
  }

  close(): void {
    this.closed = true;
  }

  /** What was sent last. */
  get last(): FakeSent {
    const last = this.sent.at(-1);
    if (last === undefined) throw new Error('nothing was sent');
    return last;
  }
}

export const flag = { response: 0x8000, authoritative: 0x400, truncated: 0x200, available: 0x80, authentic: 0x20 } as const;

/** The reply to a query, with what is given put over it. */
export function makeReply(query: DecodedPacket, over: Packet = {}, code = 0): Uint8Array {
  const answers = over.answers ?? [{ type: 'A', name: query.questions?.[0]?.name ?? '.', ttl: 60, data: '192.0.2.1' }];
  return encode({
    id: query.id ?? 0,
    type: 'response',
    questions: query.questions ?? [],
    ...over,
    flags: ((over.flags ?? 0x80) & ~0xf) | code,
    answers: code === 0 || over.answers !== undefined ? answers : [],
  });
}

export function name(text: string): Name {
  const parsed = parseName(text);
  if (parsed === null) throw new Error(`no name: ${text}`);
  return parsed;
}

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new Error(`no address: ${text}`);
  return parsed;
}

export function question(text: string, over: Partial<ForwardQuestion> = {}): ForwardQuestion {
  return { name: name(text), type: 1, dnssecOk: false, checkingDisabled: false, stream: false, ...over };
}

/** Upstreams 10.0.0.1, 10.0.0.2 … in order. */
export function makeRule(upstreams: number | readonly Upstream[], over: Partial<ForwardRule> = {}): ForwardRule {
  return {
    suffix: rootName,
    except: [],
    upstreams:
      typeof upstreams === 'number'
        ? Array.from({ length: upstreams }, (_, index) => ({ address: address(`10.0.0.${index + 1}`), port: 53 }))
        : upstreams,
    policy: 'sequential',
    transport: 'as_asked',
    maxConcurrent: 1000,
    maxFails: 2,
    healthIntervalMs: 500,
    healthRecursion: true,
    allDown: 'try',
    failover: [],
    expireMs: 10_000,
    mixCase: false,
    ...over,
  };
}

/** What was observed, one line each: `request 10.0.0.1:53 0`. */
export function makeObserver(): { readonly observer: ForwardObserver; readonly lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    observer: {
      request: (to, code, seconds) => lines.push(`request ${to} ${code} ${seconds}`),
      healthcheckFailure: (to) => lines.push(`health ${to}`),
      healthcheckBroken: () => lines.push('broken'),
      reject: () => lines.push('reject'),
      connHit: (to, protocol) => lines.push(`hit ${to} ${protocol}`),
      connMiss: (to, protocol) => lines.push(`miss ${to} ${protocol}`),
    },
  };
}

/** A forwarder on fakes. Random numbers go round from 0. */
export interface Bench {
  readonly forwarder: Forwarder;
  readonly clock: HandClock;
  readonly udp: FakeTransport;
  readonly tcp: FakeTransport;
  readonly lines: string[];
}

export function makeBench(rule: ForwardRule): Bench {
  const clock = new HandClock();
  const [udp, tcp] = [new FakeTransport(), new FakeTransport()];
  const { observer, lines } = makeObserver();
  let turn = 0;
  const random = (limit: number): number => {
    turn += 1;
    return turn % limit;
  };
  const ports: ForwardPorts = { clock, udp, tcp, observer, random, timing: forwardTiming };
  return { forwarder: createForwarder(rule, ports), clock, udp, tcp, lines };
}

/** Asks, and tells what became of it so far. */
export function ask(bench: Bench, ...asked: Parameters<typeof question>): { result: ForwardResult | null } {
  const state: { result: ForwardResult | null } = { result: null };
  const keep = async (): Promise<void> => {
    state.result = await bench.forwarder.ask(question(...asked));
  };
  void keep();
  return state;
}

export function targets(sent: readonly FakeSent[]): readonly string[] {
  return sent.map(({ to }) => to.address.slice('10.0.0.'.length));
}

/** Probes ask for the root. */
export function isProbe({ query }: FakeSent): boolean {
  return query.questions?.[0]?.name === '.';
}

export function questions(bench: Bench): readonly FakeSent[] {
  return bench.udp.sent.filter((sent) => !isProbe(sent));
}

export function probes(bench: Bench): readonly FakeSent[] {
  return bench.udp.sent.filter((sent) => isProbe(sent));
}
