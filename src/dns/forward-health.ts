import type { Clock } from '../model/mod.ts';
import { recordType } from './constants.ts';
import type { ForwardPorts } from './forward-ports.ts';
import { makeQuery } from './forward-query.ts';
import { isReplyTo } from './forward-reply.ts';
import { rootName } from './name.ts';
import type { ForwardRule, Upstream } from './settings.ts';

export interface WatchSettings {
  readonly maxFails: number;
  readonly intervalMs: number;
  /** How long a probe is waited for. */
  readonly probeMs: number;
}

/** Calls back once: whether the upstream said anything. The result gives the probe up. */
export type SendProbe = (answered: (alive: boolean) => void) => () => void;

/**
 * Whether an upstream is worth asking (specification 11.4). It is watched only from a failure of a real question until it
 * speaks again, so that healthy upstreams see no probes. Probes go out at a fixed pace, whether or not earlier ones are
 * still waited for: a slow upstream is not a dead one.
 */
export class UpstreamHealth {
  readonly #settings: WatchSettings;
  readonly #clock: Clock;
  readonly #send: SendProbe;
  readonly #onFailure: () => void;
  readonly #probes = new Set<() => void>();
  #fails = 0;
  #stopPace: (() => void) | null = null;

  constructor(settings: WatchSettings, clock: Clock, send: SendProbe, onFailure: () => void) {
    this.#settings = settings;
    this.#clock = clock;
    this.#send = send;
    this.#onFailure = onFailure;
  }

  get down(): boolean {
    return this.#settings.maxFails > 0 && this.#fails >= this.#settings.maxFails;
  }

  /** A question got no answer. */
  suspect(): void {
    if (this.#settings.maxFails > 0 && this.#stopPace === null) this.#pace();
  }

  /** The upstream spoke, whatever it said. */
  heard(): void {
    this.#fails = 0;
    this.close();
  }

  close(): void {
    this.#stopPace?.();
    this.#stopPace = null;
    for (const stop of this.#probes) stop();
    this.#probes.clear();
  }

  #pace(): void {
    this.#stopPace = this.#clock.after(this.#settings.intervalMs, () => this.#pace());
    this.#probe();
  }

  #probe(): void {
    const stop = (): void => {
      cancelWait();
      cancelProbe();
      this.#probes.delete(stop);
    };
    const finish = (alive: boolean): void => {
      if (!this.#probes.has(stop)) return;
      stop();
      if (alive) {
        this.heard();
        return;
      }
      this.#fails += 1;
      this.#onFailure();
    };
    this.#probes.add(stop);
    const cancelWait = this.#clock.after(this.#settings.probeMs, () => finish(false));
    const cancelProbe = this.#send(finish);
  }
}

/** A probe asks for the name servers of the root, which every resolver answers somehow. */
export function probeVia(ports: ForwardPorts, rule: ForwardRule, upstream: Upstream): SendProbe {
  const transport = rule.transport === 'force_tcp' ? ports.tcp : ports.udp;
  return (answered) => {
    const question = { name: rootName, type: recordType.NS, dnssecOk: false, checkingDisabled: false };
    const { bytes, sent } = makeQuery(question, false, ports.random);
    if (!rule.healthRecursion) bytes[2] = (bytes[2] ?? 0) & ~0x01;
    return transport.send(upstream, bytes, {
      take(reply) {
        if (!isReplyTo(reply, sent.id)) return false;
        answered(true);
        return true;
      },
      failed: () => answered(false),
    });
  };
}
