import { describe, expect, test } from 'vitest';
import { parseAddress, sideKey } from '../model/mod.ts';
import type { Address, DecisionEntry } from '../model/mod.ts';
import { emptyStep } from './diff-side.ts';
import type { SideStep } from './diff-side.ts';
import { joinRanges } from './join-ranges.ts';

const vip = parseAddress('198.51.100.1') as Address;

function range(client: DecisionEntry['client'], port: number, lastPort: number): DecisionEntry {
  return { kind: 'decision', client, address: vip, protocol: 'TCP', port, lastPort, decision: { verdict: 'reject' } };
}

type Sides = Readonly<Record<'admit' | 'attract' | 'tidy', readonly string[]>>;

/** What is set, and with a minus before it what is removed, in each phase. */
function join(comes: DecisionEntry, goes: DecisionEntry): Sides {
  const steps = { admit: emptyStep(), attract: emptyStep(), tidy: emptyStep() };
  steps.admit.set.set(sideKey(comes), { entry: comes, service: 'shop/web' });
  steps.tidy.remove.set(sideKey(goes), 'shop/web');
  joinRanges(steps, (key) => (key === sideKey(goes) ? goes : undefined));
  const read = ({ set, remove }: SideStep): readonly string[] => [...[...remove.keys()].map((key) => `-${key}`), ...set.keys()];
  return { admit: read(steps.admit), attract: read(steps.attract), tidy: read(steps.tidy) };
}

describe('a range that goes', () => {
  const old = range('pod', 5000, 5004);

  test.each([
    ['grows', range('pod', 5000, 5020)],
    ['moves a little', range('pod', 5004, 5009)],
  ])('[INGRESS-9] goes with the one that takes its place: it %s', (_, next) => {
    expect(join(next, old)).toEqual({ admit: [], attract: [`-${sideKey(old)}`, sideKey(next)], tidy: [] });
  });

  test('[INGRESS-43] goes with a port of it that comes, which would count before the range', () => {
    const port = range('pod', 5002, 5002);
    expect(join(port, old)).toEqual({ admit: [], attract: [`-${sideKey(old)}`, sideKey(port)], tidy: [] });
  });

  test('[INGRESS-43] a port that goes goes with the range that takes its place', () => {
    const port = range('pod', 5002, 5002);
    const next = range('pod', 5000, 5020);
    expect(join(next, port)).toEqual({ admit: [], attract: [`-${sideKey(port)}`, sideKey(next)], tidy: [] });
  });

  test.each([
    ['beside it', range('pod', 5005, 5020)],
    ['of other clients', range('node', 5000, 5020)],
    ['one port beside it', range('pod', 5005, 5005)],
  ])('[INGRESS-9] waits for its turn where the one that comes is %s', (_, next) => {
    expect(join(next, old)).toEqual({ admit: [sideKey(next)], attract: [], tidy: [`-${sideKey(old)}`] });
  });
});
