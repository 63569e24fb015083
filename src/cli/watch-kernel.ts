import { families, succeed } from '../model/mod.ts';
import type { Family, Outcome, Problem } from '../model/mod.ts';
import { watchAddresses, watchRoutes, watchTables } from '../netlink/mod.ts';
import type { Subscription } from '../netlink/mod.ts';
import type { AfterSync, AppliedSync } from '../proxy/mod.ts';

/** Hears that somebody may have changed what is ours of a family; `by` says who, where the kernel tells. */
export type Touched = (family: Family, by: string | null) => void;

/** What of the kernel is ours. */
export interface Holdings {
  /** Tables of nftables by family: `ip6 waypost`. */
  readonly tables: Readonly<Record<Family, string>>;
  /** `RTPROT_*` of routes and rules; null where there are none. */
  readonly routes: number | null;
}

/** Tables as notifications name them. */
export function nameTables(tableOf: (family: Family) => { readonly family: string; readonly name: string }): Holdings['tables'] {
  const nameOf = (family: Family): string => `${tableOf(family).family} ${tableOf(family).name}`;
  return { IPv4: nameOf('IPv4'), IPv6: nameOf('IPv6') };
}

export interface KernelWatchOptions {
  readonly families: readonly Family[];
  /** Null: no more is to be heard than addresses. */
  readonly holdings: Holdings | null;
  readonly touched: Touched;
  /** An address of this node came or went. */
  readonly moved: (family: Family) => void;
  /** A watch that ended: audits go on finding what it would have told. */
  readonly report: (problem: Problem) => void;
}

/**
 * Begins to hear the kernel when all families have been written once: who listens before has the kernel tell each part of the
 * first sync, for nothing. What cannot be heard is told once, and audits go on finding it.
 */
export class KernelWatch implements AfterSync, AsyncDisposable {
  readonly #options: KernelWatchOptions;
  readonly #waiting: Set<Family>;
  #opened: Promise<Disposable | null> | null = null;

  constructor(options: KernelWatchOptions) {
    this.#options = options;
    this.#waiting = new Set(options.families);
  }

  async afterSync({ family }: Pick<AppliedSync, 'family'>): Promise<void> {
    this.#waiting.delete(family);
    if (this.#waiting.size > 0 || this.#opened !== null) return;
    this.#opened = this.#open();
    await this.#opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    (await this.#opened)?.[Symbol.dispose]();
  }

  async #open(): Promise<Disposable | null> {
    const { families: run, holdings, touched, report } = this.#options;
    const opened = await watchKernel(this.#options);
    if (opened.ok) {
      // What happened since the kernel was written or read, and before it was listened to.
      if (holdings !== null) for (const family of run) touched(family, null);
      return opened.value;
    }
    report(ended('addresses, rules and routes', opened.problem));
    return null;
  }
}

/**
 * Hears from the kernel, without asking it, what others do to what is ours and to this node's addresses. Fails where a
 * watch cannot be opened; what was open is closed then.
 */
async function watchKernel(options: KernelWatchOptions): Promise<Outcome<Disposable>> {
  using opened = new DisposableStack();
  for (const opening of listWatches(options)) {
    // oxlint-disable-next-line no-await-in-loop -- the first that cannot be opened ends it
    const watch = await opening();
    if (!watch.ok) return watch;
    opened.use(watch.value);
  }
  return succeed(opened.move());
}

type Opening = () => Promise<Outcome<Subscription>>;

function listWatches(options: KernelWatchOptions): readonly Opening[] {
  const { holdings, moved, report } = options;
  const opening: Opening[] = options.families.map(
    (family) => async () =>
      await watchAddresses(family, (event) => {
        if (event.kind === 'failed') report(ended('addresses', event.problem));
        else moved(family);
      }),
  );
  if (holdings === null) return opening;
  opening.push(() => hearTables(holdings, options));
  const { routes } = holdings;
  if (routes !== null) opening.push(...options.families.map((family) => () => hearRoutes(family, routes, options)));
  return opening;
}

function hearTables(
  { tables }: Holdings,
  { families: run, touched, report }: KernelWatchOptions,
): Promise<Outcome<Subscription>> {
  return watchTables((event) => {
    if (event.kind === 'failed') report(ended('rules', event.problem));
    else if (event.kind === 'overrun') for (const family of run) touched(family, null);
    else {
      const { threadName, threadId } = event.generation;
      const by = threadName === '' ? null : `${threadName} (process ${threadId})`;
      for (const family of families) if (run.includes(family) && event.tables.includes(tables[family])) touched(family, by);
    }
  });
}

/** Of a route the kernel does not tell who changed it. */
function hearRoutes(family: Family, protocol: number, { touched, report }: KernelWatchOptions): Promise<Outcome<Subscription>> {
  return watchRoutes(family, (event) => {
    if (event.kind === 'failed') report(ended('routes', event.problem));
    else if (event.kind === 'overrun' || event.protocol === protocol) touched(family, null);
  });
}

function ended(what: string, { message }: Problem): Problem {
  return {
    code: 'WP_CLI_KERNEL_WATCH',
    message: `changes of ${what} are not heard and wait for the next audit: ${message}`,
  };
}
