import { succeed } from '../model/mod.ts';
import type { ApplyReport, Change, DataPlane, Difference, Family, Frontend, Outcome, Problem, ServiceKey } from '../model/mod.ts';

/** A data plane for tests: holds what it was given, refuses and fails on demand. */
export class FakePlane implements DataPlane {
  readonly mode = 'iptables';
  readonly family: Family;
  /** What the kernel would hold. */
  readonly held = new Map<ServiceKey, readonly Frontend[]>();
  /** `complete` or the names of the Services, in the order of the calls; `audit` for audits. */
  readonly calls: string[] = [];
  /** Services the kernel refuses. */
  readonly refused = new Set<ServiceKey>();
  /** Set: every call fails. */
  problem: Problem | null = null;
  /** Operations that the next audit finds to do. */
  drift = 0;
  /** What the kernel holds otherwise. */
  differences: readonly Difference[] = [];
  /** Set: audits come after a look. */
  look?: () => Promise<void>;
  /** Runs inside every `apply` and `compare`, before it ends. */
  during: () => Promise<void> | void = () => undefined;

  constructor(family: Family = 'IPv4') {
    this.family = family;
  }

  async read(): Promise<Outcome<void>> {
    return succeed(undefined);
  }

  async apply(change: Change): Promise<ApplyReport> {
    this.calls.push(change.complete ? 'complete' : [...change.services.keys()].join(' '));
    await this.during();
    if (this.problem !== null) return this.#report(this.problem);
    if (change.complete) for (const service of this.held.keys()) if (!change.services.has(service)) this.held.delete(service);
    const failed = new Map<ServiceKey, Problem>();
    for (const [service, frontends] of change.services) {
      if (this.refused.has(service)) failed.set(service, { code: 'WP_TEST_REFUSED', message: `refused ${service}` });
      else if (frontends.length === 0) this.held.delete(service);
      else this.held.set(service, frontends);
    }
    return { ...this.#report(null), failed, operations: change.services.size };
  }

  async audit(): Promise<ApplyReport> {
    this.calls.push('audit');
    const operations = this.drift;
    this.drift = 0;
    return { ...this.#report(this.problem), operations };
  }

  async compare(): Promise<Outcome<readonly Difference[]>> {
    this.calls.push('compare');
    await this.during();
    return this.problem === null ? succeed(this.differences) : { ok: false, problem: this.problem };
  }

  async cleanup(): Promise<Outcome<readonly string[]>> {
    this.held.clear();
    return succeed([]);
  }

  #report(problem: Problem | null): ApplyReport {
    return { problem, failed: new Map(), operations: 0, bytes: 0, planMs: 0 };
  }
}
