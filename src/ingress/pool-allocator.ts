import type {
  Address,
  AddressPool,
  Clock,
  Dirty,
  LiveService,
  Problem,
  PublishNotice,
  ServiceStatusStore,
  Snapshot,
  Stored,
  StoredTable,
  TableStore,
} from '../model/mod.ts';
import type { Term } from './lease-elector.ts';
import { limitSignal, waitFor } from './lease-wait.ts';
import { decideBatch } from './pool-batch.ts';
import type { Batch } from './pool-batch.ts';
import { mapLimited } from './pool-limited.ts';
import { NoticeBoard } from './pool-notices.ts';
import { planPool } from './pool-plan.ts';
import { listTouches } from './pool-steps.ts';
import type { Touch } from './pool-steps.ts';
import { readTable, renderRow } from './pool-table.ts';
import type { TableRow } from './pool-table.ts';
import { measurePools } from './pool-usage.ts';
import type { PoolUsage } from './pool-usage.ts';
import { PoolView } from './pool-view.ts';

export interface AllocatorOptions {
  /** `spec.loadBalancerClass` of the Services that are served. */
  readonly className: string;
  readonly pools: readonly AddressPool[];
  readonly table: TableStore;
  readonly services: ServiceStatusStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly notice: (notice: PublishNotice) => void;
  readonly problem: (problem: Problem) => void;
}

/** Services that go through the table in one request, and requests at a time. */
const batchSize = 64;
const width = 16;
const requestMs = 10_000;
/** The first wait after something went wrong; doubled up to the longest. */
const retryMs = 200;
const longestRetryMs = 30_000;
/** The table is read anew so often: somebody may have edited it. */
const auditMs = 300_000;

interface Known {
  readonly rows: Map<string, TableRow>;
  version: string;
}

/** `again`: something was done, there may be more. `trouble`: something was not; later. `done`: all is as it should be. */
type PassResult = 'again' | 'trouble' | 'done';

/**
 * Gives the Services of our class their addresses while it leads. What it knows of Services comes from snapshots, which may be
 * late: they only say where to look. Each Service is read from the store before something is decided, and what is decided goes
 * through the table; see TableRow for why no address is ever given twice, whoever believes to lead.
 */
export class AddressAllocator {
  readonly #options: AllocatorOptions;
  readonly #view: PoolView;
  readonly #board: NoticeBoard;
  /** Tried last: a Service that the API server refuses must not hold up others. */
  #late: ReadonlySet<string> = new Set();
  #known: Known | null = null;
  #changed = false;
  #wake: () => void = () => {};
  #troubles = 0;

  constructor(options: AllocatorOptions) {
    this.#options = options;
    this.#view = new PoolView(options.className);
    this.#board = new NoticeBoard(options.notice);
  }

  /** A commit of the source, which has read everything once; all of the snapshot is new where `dirty` is null. */
  update(snapshot: Snapshot, dirty: Dirty | null): void {
    if (!this.#view.update(snapshot, dirty)) return;
    this.#changed = true;
    this.#wake();
  }

  usage(): readonly PoolUsage[] {
    const shown: Address[] = [];
    for (const service of this.#view.services.values()) if (service.ours) shown.push(...service.status);
    return measurePools(this.#options.pools, shown);
  }

  /** Works for the length of a term. */
  async lead(term: Term): Promise<void> {
    const { clock, random } = this.#options;
    this.#known = null;
    this.#troubles = 0;
    while (term.isCurrent()) {
      this.#changed = false;
      const result = await this.#pass(term);
      if (result === 'again') this.#troubles = 0;
      else if (result === 'done') await this.#waitForChange(term.signal);
      else {
        const nominal = Math.min(longestRetryMs, retryMs * 2 ** Math.min(this.#troubles, 10));
        this.#troubles += 1;
        await waitFor(clock, nominal * (0.5 + random()), term.signal);
      }
    }
  }

  async #waitForChange(signal: AbortSignal): Promise<void> {
    this.#troubles = 0;
    if (this.#changed) return;
    const limited = limitSignal(this.#options.clock, auditMs, signal);
    const { promise, resolve } = Promise.withResolvers<void>();
    limited.signal.addEventListener('abort', () => resolve(), { once: true });
    if (limited.signal.aborted) resolve();
    this.#wake = resolve;
    await promise;
    limited.done();
    if (!this.#changed) this.#known = null;
  }

  async #pass(term: Term): Promise<PassResult> {
    const known = this.#known ?? (await this.#openTable(term));
    this.#known = known;
    if (known === null) return 'trouble';
    const { services } = this.#view;
    const { wishes, notices } = planPool({ pools: this.#options.pools, services, table: known.rows });
    const touches = listTouches(wishes, services, known.rows);
    // Who lacks an address now may have one as soon as others have given theirs back.
    if (!touches.some((touch) => touch.wish === null)) this.#board.show(notices);
    const ordered = [...touches.filter(({ uid }) => !this.#late.has(uid)), ...touches.filter(({ uid }) => this.#late.has(uid))];
    const failed = new Set<string>();
    let progress = false;
    for (let at = 0; at < ordered.length && term.isCurrent(); at += batchSize) {
      const batch = ordered.slice(at, at + batchSize);
      const did = await this.#serve(batch, known, term);
      if (did === null) {
        this.#known = null;
        this.#late = failed;
        return 'trouble';
      }
      progress ||= did.progress;
      for (const { uid } of did.failed) failed.add(uid);
      if (did.failed.length === batch.length) break;
    }
    this.#late = failed;
    return progress ? 'again' : failed.size > 0 ? 'trouble' : 'done';
  }

  /** Null where the table is not what we took it for. */
  async #serve(
    touches: readonly Touch[],
    known: Known,
    term: Term,
  ): Promise<{ readonly progress: boolean; readonly failed: readonly Touch[] } | null> {
    const { services, className } = this.#options;
    const reads = await mapLimited(touches, width, async (touch) => {
      const answer = await this.#ask(term, (signal) => services.read(touch.key, signal));
      if (answer.kind === 'done') this.#view.learn(answer.value);
      return { touch, answer };
    });
    const batch = decideBatch(reads, known.rows, className);
    if (batch.rows.size > 0 && !(await this.#writeRows(batch, known, term))) return null;
    const failed = [...batch.undecided, ...batch.tooMuch];
    const [first] = batch.tooMuch;
    if (first !== undefined) this.#options.problem(tableFull(first, batch.tooMuch.length));
    this.#tell(reads.map(({ answer }) => answer));
    const answers = await mapLimited(batch.writes, width, async ({ touch, version, step }) => {
      const answer = await this.#ask(term, (signal) => services.write(touch.key, version, step.write ?? [], signal));
      if (answer.kind === 'done') this.#noteWritten(touch, answer.value);
      else failed.push(touch);
      return answer;
    });
    this.#tell(answers);
    return { progress: batch.rows.size > 0 || answers.some((answer) => answer.kind === 'done'), failed };
  }

  async #writeRows({ rows }: Batch, known: Known, term: Term): Promise<boolean> {
    const changes = new Map([...rows].map(([uid, row]) => [uid, row === null ? null : renderRow(row)]));
    const answer = await this.#ask(term, (signal) => this.#options.table.update(changes, known.version, signal));
    this.#tell([answer]);
    if (answer.kind !== 'done') return false;
    known.version = answer.value;
    for (const [uid, row] of rows) {
      if (row === null) known.rows.delete(uid);
      else known.rows.set(uid, row);
    }
    return true;
  }

  async #openTable(term: Term): Promise<Known | null> {
    const { table } = this.#options;
    let answer: Stored<StoredTable> = await this.#ask(term, (signal) => table.read(signal));
    if (answer.kind === 'missing') answer = await this.#ask(term, (signal) => table.create(signal));
    this.#tell([answer]);
    return answer.kind === 'done' ? { rows: readTable(answer.value), version: answer.value.version } : null;
  }

  #noteWritten({ key, wish }: Touch, live: LiveService): void {
    this.#view.learn(live);
    if (wish === null || wish.length === 0) return;
    this.#options.notice({ service: key, reason: 'AddressAssigned', message: `the Service has ${live.addresses.join(' and ')}` });
  }

  /** Sends nothing once the term is over, and waits for no answer longer than it lasts. */
  async #ask<T>(term: Term, send: (signal: AbortSignal) => Promise<Stored<T>>): Promise<Stored<T>> {
    const limited = limitSignal(this.#options.clock, requestMs, term.signal);
    try {
      return term.isCurrent() ? await send(limited.signal) : { kind: 'conflict' };
    } finally {
      limited.done();
    }
  }

  /** One problem stands for all of its kind: a server that is away is one piece of news. */
  #tell(answers: readonly Stored<unknown>[]): void {
    const failed = answers.find((answer) => answer.kind === 'failed');
    if (failed !== undefined) this.#options.problem(failed.problem);
  }
}

function tableFull({ key }: Touch, count: number): Problem {
  const others = count > 1 ? ` and ${count - 1} others` : '';
  const message = `the table of addresses has no room for more Services: ${key}${others} cannot have an address`;
  return { code: 'WP_INGRESS_TABLE_FULL', message, service: key };
}
