import type { Address, Clock, Family, Outcome, Prefix, Problem } from '../model/mod.ts';
import { createGreeter } from './announce-greeter.ts';
import type { AnnounceKernel, AnnounceReport } from './announce-kernel.ts';

export interface KernelKeeperOptions {
  readonly kernel: AnnounceKernel;
  readonly clock: Clock;
  /** In which networks the node can answer, each time it was looked. */
  readonly surveyed: (networks: readonly Prefix[]) => void;
  /** Which of the wanted addresses cannot be answered for, each time it was tried. */
  readonly applied: (refused: ReadonlyMap<Address, Problem>) => void;
  /** The same again is told again only after it was well in between. */
  readonly problem: (problem: Problem) => void;
}

/** Keeps the kernel's answers of one family as they are wanted. */
export interface KernelKeeper {
  readonly family: Family;
  /** Looks, and says whether an earlier run left answers. */
  start(): Promise<boolean>;
  /** Greetings of what is not owned any more end before this returns, the kernel's answers some time after. */
  want(owned: readonly Address[], kept: readonly Address[]): void;
  /** Looks again and mends what is not as it should be. */
  recheck(): void;
  /** Greets no more; the kernel's answers stay as they are. */
  hush(): void;
  /** After `hush`. `silent`: the kernel is to answer for nothing more. */
  close(silent: boolean): Promise<void>;
}

/** An interface that goes down takes its entries along, and other programs may remove them. */
const auditMs = 10_000;
const retryMs = 1000;

interface Want {
  readonly owned: readonly Address[];
  readonly kept: readonly Address[];
}

export function createKernelKeeper(options: KernelKeeperOptions): KernelKeeper {
  return new Keeper(options);
}

class Keeper implements KernelKeeper {
  readonly family: Family;
  readonly #options: KernelKeeperOptions;
  readonly #greeter;
  #want: Want | null = null;
  #dirty = false;
  #running: Promise<void> | null = null;
  #cancel: () => void = () => {};
  #told: ReadonlySet<string> = new Set();
  #hushed = false;
  #closed = false;

  constructor(options: KernelKeeperOptions) {
    const { kernel, clock } = options;
    this.#options = options;
    this.family = kernel.family;
    this.#greeter = createGreeter(clock, (place) => {
      const sent = kernel.greet(place);
      if (!sent.ok) options.problem(sent.problem);
    });
  }

  async start(): Promise<boolean> {
    const survey = await this.#options.kernel.survey();
    this.#schedule(survey.ok ? auditMs : retryMs);
    if (!survey.ok) {
      this.#tell([survey.problem]);
      return false;
    }
    this.#options.surveyed(survey.value.networks);
    return survey.value.adopts;
  }

  want(owned: readonly Address[], kept: readonly Address[]): void {
    const want = { owned, kept };
    if (JSON.stringify(want) === JSON.stringify(this.#want)) return;
    this.#want = want;
    this.#greeter.retain(owned);
    this.recheck();
  }

  recheck(): void {
    this.#dirty = true;
    this.#running ??= this.#run();
  }

  hush(): void {
    this.#hushed = true;
    this.#greeter.retain([]);
  }

  async close(silent: boolean): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#running;
    if (silent) this.#note(await this.#options.kernel.apply([], []));
    this.#options.kernel.close();
  }

  async #run(): Promise<void> {
    let well = true;
    while (this.#dirty && !this.#closed) {
      this.#dirty = false;
      well = await this.#pass();
    }
    this.#running = null;
    this.#schedule(well ? auditMs : retryMs);
  }

  async #pass(): Promise<boolean> {
    const { kernel, surveyed } = this.#options;
    if (this.#want !== null) return this.#note(await kernel.apply(this.#want.owned, this.#want.kept));
    const survey = await kernel.survey();
    this.#tell(survey.ok ? [] : [survey.problem]);
    if (survey.ok) surveyed(survey.value.networks);
    return survey.ok;
  }

  #note(outcome: Outcome<AnnounceReport>): boolean {
    if (!outcome.ok) {
      this.#tell([outcome.problem]);
      return false;
    }
    const { networks, places, refused, problems } = outcome.value;
    this.#tell(problems);
    if (this.#closed) return problems.length === 0;
    // What was asked of the kernel may be old by now.
    const owned = this.#hushed ? [] : (this.#want?.owned ?? []);
    this.#greeter.update(places.filter(({ address }) => owned.includes(address)));
    this.#options.applied(refused);
    this.#options.surveyed(networks);
    return problems.length === 0;
  }

  #tell(problems: readonly Problem[]): void {
    for (const problem of problems) if (!this.#told.has(problem.message)) this.#options.problem(problem);
    this.#told = new Set(problems.map(({ message }) => message));
  }

  #schedule(delay: number): void {
    this.#cancel();
    if (!this.#closed) this.#cancel = this.#options.clock.after(delay, () => this.recheck());
  }
}
