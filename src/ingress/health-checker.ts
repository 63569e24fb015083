import type { BackendAddress, Clock, HealthCheckSpec, ServiceKey } from '../model/mod.ts';
import { makeCheck } from './health-check.ts';
import type { Check } from './health-check.ts';
import { CheckRunner } from './health-runner.ts';
import { nextStart } from './health-schedule.ts';
import { judgeAnswer } from './health-state.ts';
import { checkable, firstTcpPorts, targetOf } from './health-target.ts';
import type { AskBackend, HealthCounts, HealthRow, ProbeAnswer } from './health-types.ts';

export interface HealthCheckerOptions {
  /** Its `now` must only grow: a step of the machine's time is no reason to check or to give up. */
  readonly clock: Clock;
  /** Milliseconds since 1970, for the rows. */
  readonly wallTime: () => number;
  readonly ask: AskBackend;
  /** Checks under way at once: those by a socket, and those by a program. */
  readonly concurrency: { readonly sockets: number; readonly programs: number };
  /** {@link HealthChecker.isLive} may say something else of these Services than before. Called at once, also by `set`. */
  readonly changed: (services: ReadonlySet<ServiceKey>) => void;
}

interface Member {
  readonly backend: BackendAddress;
  readonly check: Check;
  /** Of the check; equal texts ask the same. */
  readonly asks: string;
}

type Members = ReadonlyMap<string, Member>;

/**
 * Asks back ends whether they live. A back end that stops answering is out `fall * interval` after it stopped (and what the
 * event loop is late), whether it refuses or says nothing; one that answers again is back after `rise * interval`, unless
 * it is held for changing too often (see `health-state.ts`). What is asked in the same way for several Services is asked
 * once.
 */
export class HealthChecker {
  readonly #options: HealthCheckerOptions;
  readonly #runner: CheckRunner;
  readonly #services = new Map<ServiceKey, Members>();
  readonly #checks = new Map<string, Check>();
  readonly #counts = { checks: 0, failures: 0, unasked: 0, taken: 0, returned: 0 };

  constructor(options: HealthCheckerOptions) {
    this.#options = options;
    const { clock, ask, concurrency } = options;
    this.#runner = new CheckRunner({ clock, ask, concurrency, ended: (...end) => this.#take(...end) });
  }

  /**
   * The checks of a Service from now on, in place of those before; back ends in the order of its ports. One that is asked
   * as before keeps its verdict and its place in the schedule, one whose numbers alone are others keeps its verdict. What
   * is not {@link checkable} is not checked.
   */
  set(service: ServiceKey, spec: HealthCheckSpec, backends: readonly BackendAddress[]): void {
    const before = this.#services.get(service);
    const ports = firstTcpPorts(backends);
    const { probe, intervalMs, timeoutMs, rise, fall } = spec;
    const asksWhat = JSON.stringify(probe);
    const numbers = `${intervalMs} ${timeoutMs} ${rise} ${fall}`;
    const members = new Map<string, Member>();
    for (const backend of backends) {
      const target = checkable(spec, backend, ports) === null ? targetOf(spec, backend, ports) : null;
      const name = nameOf(backend);
      if (target === null || members.has(name)) continue;
      const asks = `${target.address} ${target.port} ${target.protocol} ${asksWhat}`;
      const key = `${asks} ${numbers}`;
      const old = before?.get(name);
      const found = this.#checks.get(key);
      const state = old?.asks === asks ? old.check.state : null;
      const check = found ?? makeCheck(key, target, spec, state, this.#options.clock.now());
      members.set(name, { backend, check, asks });
      check.users.set(service, (check.users.get(service) ?? 0) + 1);
      if (found === undefined) this.#begin(check);
    }
    this.#replace(service, before, members);
  }

  /** Ends the checks of a Service; its back ends count as live. */
  remove(service: ServiceKey): void {
    const before = this.#services.get(service);
    if (before !== undefined) this.#replace(service, before, new Map());
  }

  /**
   * Whether a back end may get new connections. One that nothing is known of may: the cluster calls it ready, and a restart
   * of this agent must not take anything out that it has not asked yet. Each is judged by itself: where all are dead, none
   * is left, and the Service refuses connections at once instead of leading them to back ends known not to answer.
   */
  isLive(service: ServiceKey, backend: BackendAddress): boolean {
    return this.#services.get(service)?.get(nameOf(backend))?.check.state.verdict !== 'dead';
  }

  /** A row for each back end that is checked, in no order. Made one by one: there may be many. */
  *state(): Generator<HealthRow> {
    const { clock, wallTime } = this.#options;
    const now = clock.now();
    const ahead = wallTime() - now;
    for (const [service, members] of this.#services) {
      for (const { backend, check } of members.values()) {
        const { verdict, since, heldUntil } = check.state;
        const held = verdict === 'dead' && heldUntil !== null && heldUntil > now;
        const { text, checks, failures } = check;
        yield {
          service,
          backend,
          verdict,
          since: since + ahead,
          text,
          checks,
          failures,
          heldUntil: held ? heldUntil + ahead : null,
        };
      }
    }
  }

  counts(): HealthCounts {
    let dead = 0;
    for (const check of this.#checks.values()) if (check.state.verdict === 'dead') dead += 1;
    const { late, running } = this.#runner;
    return { ...this.#counts, late, running, watched: this.#checks.size, dead };
  }

  /** Gives up what is under way and asks nothing more. Tells nobody. */
  close(): void {
    this.#runner.close();
    for (const check of this.#checks.values()) this.#runner.remove(check);
    this.#checks.clear();
    this.#services.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #begin(check: Check): void {
    this.#checks.set(check.key, check);
    this.#runner.add(check);
  }

  #replace(service: ServiceKey, before: Members | undefined, after: Members): void {
    const wasLive = (name: string): boolean => before?.get(name)?.check.state.verdict !== 'dead';
    const isOther = (name: string): boolean => wasLive(name) !== (after.get(name)?.check.state.verdict !== 'dead');
    const differs = [...after.keys(), ...(before?.keys() ?? [])].some(isOther);
    for (const { check } of before?.values() ?? []) this.#leave(check, service);
    if (after.size > 0) this.#services.set(service, after);
    else this.#services.delete(service);
    if (differs) this.#options.changed(new Set([service]));
  }

  #leave(check: Check, service: ServiceKey): void {
    const left = (check.users.get(service) ?? 0) - 1;
    if (left > 0) check.users.set(service, left);
    else check.users.delete(service);
    if (check.users.size > 0) return;
    this.#checks.delete(check.key);
    this.#runner.remove(check);
  }

  /** Takes in what a check came to. When the next one begins. */
  #take(check: Check, { kind, text }: ProbeAnswer, now: number): number {
    const before = check.state;
    check.text = text;
    this.#counts.checks += 1;
    if (kind === 'bad') {
      this.#counts.failures += 1;
      check.failures += 1;
    }
    if (kind === 'unasked') this.#counts.unasked += 1;
    else check.state = judgeAnswer(before, kind === 'good', now, check.rules);
    if (kind === 'good') check.answeredAt = now;
    const isDead = check.state.verdict === 'dead';
    if (isDead !== (before.verdict === 'dead')) this.#turn(check, isDead);
    const failures = isDead ? null : kind === 'unasked' ? 0 : check.state.against;
    const { startedAt, answeredAt } = check;
    return nextStart(check.timing, check.phase, { startedAt, answeredAt, failures });
  }

  #turn(check: Check, isDead: boolean): void {
    if (isDead) this.#counts.taken += 1;
    else this.#counts.returned += 1;
    this.#options.changed(new Set(check.users.keys()));
  }
}

function nameOf({ address, protocol, port }: BackendAddress): string {
  return `${protocol} ${address} ${port}`;
}
