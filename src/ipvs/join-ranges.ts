import type { Address, ServiceKey, SideEntry } from '../model/mod.ts';
import type { SidePhase, SideStep } from './diff-side.ts';

/** In the order in which they are done. */
const phases: readonly SidePhase[] = ['admit', 'attract', 'tidy'];

interface Span {
  readonly purpose: string;
  readonly first: number;
  readonly last: number;
}

/**
 * The packet filter takes no range that overlaps one it has (net/netfilter/nft_set_pipapo.c), so a range that goes because
 * another takes its place goes with the transaction that brings the other, in which removals come first.
 */
export function joinRanges(steps: Readonly<Record<SidePhase, SideStep>>, entryOf: (key: string) => SideEntry | undefined): void {
  const leaving = phases.flatMap((phase, at) =>
    [...steps[phase].remove].flatMap(([key, service]) => leaverOf(key, service, at, entryOf)),
  );
  if (leaving.length === 0) return;
  for (const [at, phase] of phases.entries()) {
    for (const { entry } of steps[phase].set.values()) {
      const span = spanOf(entry);
      if (span === null) continue;
      for (const one of leaving) {
        if (one.at <= at || !overlap(one.span, span)) continue;
        steps[phases[one.at] ?? phase].remove.delete(one.key);
        steps[phase].remove.set(one.key, one.service);
      }
    }
  }
}

interface Leaver {
  readonly key: string;
  readonly service: ServiceKey;
  readonly at: number;
  readonly span: Span;
}

function leaverOf(
  key: string,
  service: ServiceKey,
  at: number,
  entryOf: (key: string) => SideEntry | undefined,
): readonly Leaver[] {
  const entry = entryOf(key);
  const span = entry === undefined ? null : spanOf(entry);
  return span === null ? [] : [{ key, service, at, span }];
}

/** Null for what is no range. */
function spanOf(entry: SideEntry): Span | null {
  switch (entry.kind) {
    case 'decision':
    case 'capture':
    case 'restricted':
    case 'source': {
      const { kind, protocol, port, lastPort } = entry;
      if (lastPort === undefined || lastPort === port) return null;
      const more = entry.kind === 'decision' ? entry.client : entry.kind === 'source' ? prefixText(entry.prefix) : '';
      return { purpose: `${kind} ${more} ${entry.address ?? '*'} ${protocol}`, first: port, last: lastPort };
    }
    default:
      return null;
  }
}

function prefixText({ address, length }: { readonly address: Address; readonly length: number }): string {
  return `${address}/${length}`;
}

function overlap(one: Span, other: Span): boolean {
  return one.purpose === other.purpose && one.first <= other.last && other.first <= one.last;
}
