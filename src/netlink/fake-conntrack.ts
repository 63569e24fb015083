import { fail, succeed } from '../model/mod.ts';
import type { Outcome, Problem } from '../model/mod.ts';
import type { ConntrackFlow, ConntrackListing, ConntrackPort, ConntrackQuery, ConntrackRemoval } from './conntrack-port.ts';

/** A conntrack table in memory that treats dumps and deletions as the kernel does. */
export interface FakeConntrack extends ConntrackPort {
  /** Adds an entry and gives it an id; replaces one with the same original tuple and zone. */
  add(flow: Omit<ConntrackFlow, 'id'>): ConntrackFlow;
  /** All entries, in the order in which they were made. */
  flows(): readonly ConntrackFlow[];
  /** Listings so far. */
  readonly dumps: number;
  /** While set, every call meets it. */
  problem: Problem | null;
  /** While true, listings say that they may lack entries. */
  interrupted: boolean;
  /** Called before a listing is answered. */
  during: (() => Promise<void> | void) | null;
}

/** An empty table. */
export function createFakeConntrack(): FakeConntrack {
  const table = new Map<string, ConntrackFlow>();
  let lastId = 0;
  const fake = { problem: null as Problem | null, interrupted: false, during: null as FakeConntrack['during'], dumps: 0 };

  const list = async (query: ConntrackQuery): Promise<Outcome<ConntrackListing>> => {
    fake.dumps += 1;
    const flows = [...table.values()].filter(
      ({ family, protocol, destinationPort }) =>
        family === query.family && protocol === query.protocol && query.destinationPorts.has(destinationPort),
    );
    await fake.during?.();
    if (fake.problem !== null) return fail(fake.problem.code, fake.problem.message);
    return succeed({ flows, complete: !fake.interrupted });
  };

  const remove = async (flows: readonly ConntrackFlow[]): Promise<ConntrackRemoval> => {
    if (fake.problem !== null) return { removed: 0, gone: 0, problem: fake.problem };
    const present = flows.filter((flow) => {
      const found = table.get(keyOf(flow));
      const matches = found !== undefined && (flow.id === null || flow.id === found.id);
      if (matches) table.delete(keyOf(flow));
      return matches;
    });
    return { removed: present.length, gone: flows.length - present.length, problem: null };
  };

  return Object.assign(fake, {
    list,
    remove,
    flows: () => [...table.values()],
    add(flow: Omit<ConntrackFlow, 'id'>) {
      lastId += 1;
      const added = { ...flow, id: lastId };
      table.set(keyOf(added), added);
      return added;
    },
  });
}

/** What the kernel finds an entry by. */
function keyOf(flow: ConntrackFlow): string {
  const { family, protocol, source, sourcePort, destination, destinationPort, zone, originalZone } = flow;
  return [family, protocol, source, sourcePort, destination, destinationPort, zone, originalZone].join(' ');
}
