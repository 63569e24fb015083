import { formatTable } from '../src/observe/mod.ts';
import { expectShares, makeQuestions } from './dns-data.ts';
import type { LoadResult } from './dns-load.ts';
import type { MemoryResult } from './dns-memory.ts';

/** `paced`: the questions of `mix`, at a rate that every server should stand; `dnsperf`: the same, from another's hand. */
export const loadKinds = ['hits', 'mix', 'wide', 'paced', 'dnsperf'] as const;
export type LoadKind = (typeof loadKinds)[number];

/** One turn of one server. */
export interface Measured {
  readonly title: string;
  readonly kind: LoadKind;
  readonly round: number;
  readonly result: LoadResult;
}

/** Microseconds that a question may cost of the thread that answers, and how often unbound's answers per core are due. */
const targets = { hits: 2.5, mix: 3, unbound: 1.5, memory: 60 * 2 ** 20 } as const;

const headings: Readonly<Record<LoadKind, string>> = {
  hits: 'cluster names alone, as many as are answered',
  mix: '70 % cluster names, 20 % search paths in vain, 10 % names outside; as many as are answered',
  wide: 'the same shares of 40,000 questions',
  paced: 'the mix at 20,000 questions a second',
  dnsperf: 'the mix, asked by dnsperf',
};

/** Prints a table for each mix: medians over the rounds, and costs beside those of the first server. */
export function printDns(measured: readonly Measured[]): void {
  const titles = [...new Set(measured.map(({ title }) => title))];
  for (const kind of new Set(measured.map((one) => one.kind))) {
    const rows = titles.map((title) => {
      const results = measured.filter((one) => one.title === title && one.kind === kind).map(({ result }) => result);
      return { title, ...summarise(results) };
    });
    const [first] = rows;
    if (first === undefined) continue;
    console.log(`\n${headings[kind]}`);
    const columns = columnsOf(kind);
    const cells = rows.map((row) => [row.title, ...columns.map(([, format]) => format(row, first))]);
    console.log(
      formatTable(
        ['server', ...columns.map(([title]) => title)].map((title, index) => ({ title, align: index === 0 ? 'left' : 'right' })),
        cells,
      ),
    );
    if (kind !== 'paced' && kind !== 'dnsperf') printMismatches(rows, expectShares(makeQuestions(kind)));
    printTargets(kind, rows);
  }
}

/** Whoever answers otherwise does other work, and its figures compare with nothing. */
function printMismatches(rows: readonly Row[], expected: ReturnType<typeof expectShares>): void {
  for (const { title, data, noName, refused } of rows) {
    // A turn ends in the middle of the list.
    if (Math.abs(data - expected.data) < 0.03 && Math.abs(noName - expected.noName) < 0.03 && refused === 0) continue;
    const wish = `${percent(expected.data)} % with data and ${percent(expected.noName)} % NXDOMAIN`;
    console.log(`${title} does not answer as it should (${wish}): its figures do not count`);
  }
}

type Row = ReturnType<typeof summarise> & { readonly title: string };
type Column = readonly [string, (row: Row, first: Row) => string];

/** Medians, each figure by itself. */
function summarise(results: readonly LoadResult[]) {
  const of = (value: (result: LoadResult) => number): number => median(results.map(value));
  return {
    rate: of(({ answered, seconds }) => answered / seconds),
    busy: of(({ cpu, seconds }) => cpu / seconds),
    micros: of(({ cpu, answered }) => (cpu * 1e6) / answered),
    microsDns: of(({ cpuDns, answered }) => (cpuDns * 1e6) / answered),
    waited: of(({ waited, seconds }) => waited / seconds),
    loadBusy: of(({ loadCpu, seconds }) => loadCpu / seconds),
    lost: results.reduce((sum, { lost }) => sum + lost, 0),
    data: of(({ data, answered }) => data / answered),
    noName: of(({ noName, answered }) => noName / answered),
    refused: results.reduce((sum, { refused }) => sum + refused, 0),
    p50: of(({ p50 }) => p50),
    p99: of(({ p99 }) => p99),
    p999: of(({ p999 }) => p999),
  };
}

const percent = (part: number): string => (part * 100).toFixed(0);

const loadColumns: readonly Column[] = [
  ['answers/s', ({ rate }) => rate.toFixed(0)],
  ['core busy %', ({ busy }) => percent(busy)],
  ['waits %', ({ waited }) => percent(waited)],
  ['load busy %', ({ loadBusy }) => percent(loadBusy)],
  ['us CPU', ({ micros }) => micros.toFixed(2)],
  ['us of its thread', ({ microsDns }) => (microsDns === 0 ? '-' : microsDns.toFixed(2))],
  ['answers per core s', ({ micros }) => (1e6 / micros).toFixed(0)],
  ['CPU / Waypost', ({ micros }, first) => (micros / first.micros).toFixed(2)],
  ['lost', ({ lost }) => `${lost}`],
  ['data %', ({ data }) => percent(data)],
  ['NXDOMAIN %', ({ noName }) => percent(noName)],
  ['errors', ({ refused }) => `${refused}`],
];

const pacedColumns: readonly Column[] = [
  ['answers/s', ({ rate }) => rate.toFixed(0)],
  ['p50 us', ({ p50 }) => p50.toFixed(0)],
  ['p99 us', ({ p99 }) => p99.toFixed(0)],
  ['p99.9 us', ({ p999 }) => p999.toFixed(0)],
  ['us CPU', ({ micros }) => micros.toFixed(2)],
  ['lost', ({ lost }) => `${lost}`],
];

function columnsOf(kind: LoadKind): readonly Column[] {
  if (kind === 'paced') return pacedColumns;
  // Of its own time and of records in answers dnsperf says nothing.
  return kind === 'dnsperf' ? loadColumns.filter(([title]) => title !== 'load busy %' && title !== 'data %') : loadColumns;
}

function printTargets(kind: LoadKind, rows: readonly Row[]): void {
  const [first] = rows;
  if (first?.title !== 'Waypost' || (kind !== 'hits' && kind !== 'mix')) return;
  const spent = first.microsDns;
  console.log(
    `${first.title}: ${spent.toFixed(2)} us of the thread for each answer, target ${targets[kind]}: ${verdict(spent <= targets[kind])}`,
  );
  const unbound = rows.find(({ title }) => title === 'unbound');
  if (kind !== 'mix' || unbound === undefined) return;
  const ratio = unbound.micros / first.micros;
  console.log(
    `${ratio.toFixed(2)} x the answers per core of unbound, target ${targets.unbound}: ${verdict(ratio >= targets.unbound)}`,
  );
}

export function printMemory(results: readonly MemoryResult[]): void {
  const of = (dns: boolean, value: (result: MemoryResult) => number): number =>
    median(results.filter((one) => one.dns === dns).map(value));
  const rows = [false, true].map((dns) => [
    dns ? 'with DNS' : 'without',
    ...[of(dns, (one) => one.readyBytes), of(dns, (one) => one.laterBytes), of(dns, (one) => one.ownBytes)].map(mebibytes),
  ]);
  console.log('\nmemory of an agent with 10,000 Services, in MiB');
  console.log(
    formatTable(
      ['agent', 'RSS when ready', 'RSS later', 'own later'].map((title, index) => ({
        title,
        align: index === 0 ? 'left' : 'right',
      })),
      rows,
    ),
  );
  const more = of(true, (one) => one.laterBytes) - of(false, (one) => one.laterBytes);
  console.log(
    `DNS takes ${mebibytes(more)} MiB after the load, target ${mebibytes(targets.memory)}: ${verdict(more <= targets.memory)}`,
  );
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function verdict(met: boolean): string {
  return met ? 'met' : 'missed';
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
