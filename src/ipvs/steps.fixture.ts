import { formatAddress } from '../model/mod.ts';
import type { Family } from '../model/mod.ts';
import { dumpServers } from './fake.ts';
import type { IpvsOperation, IpvsPort, IpvsTimeouts } from './port.ts';
import { addServer, plainServer } from './values.fixture.ts';
import type { ServerKey } from './virtual-server.ts';

/** One call of a port, as a value that can be sent to another process. */
export type Step =
  /** Gives the codes of the verdicts, null for a yes. */
  | { readonly call: 'apply'; readonly operations: readonly IpvsOperation[] }
  /** Gives the sorted lines of all servers. */
  | { readonly call: 'dump' }
  /** Gives sorted destinations with their counters, or null, or a code. */
  | { readonly call: 'counters'; readonly key: ServerKey }
  | { readonly call: 'timeouts' }
  | { readonly call: 'set-timeouts'; readonly timeouts: IpvsTimeouts }
  | { readonly call: 'probe'; readonly scheduler: string }
  /** Deletes all servers. */
  | { readonly call: 'clear' }
  /** Adds so many servers and gives the number that is listed then. */
  | { readonly call: 'fill'; readonly count: number };

/** A step on a real kernel, which can also be asked without any port. */
export type KernelStep =
  | (Step & { readonly driver: 'netlink' | 'exec'; readonly family: Family })
  | { readonly call: 'tool'; readonly words: readonly string[] }
  | { readonly call: 'proc' };

/** Runs a step; what comes of it can be compared as JSON. */
export async function runStep(port: IpvsPort, step: Step): Promise<unknown> {
  switch (step.call) {
    case 'apply':
      return (await port.apply(step.operations)).verdicts.map((verdict) => verdict?.code ?? null);
    case 'dump':
      return await dump(port);
    case 'counters': {
      const counters = await port.counters(step.key);
      if (!counters.ok) return counters.problem.code;
      return counters.value === null ? null : [...counters.value].toSorted(([a], [b]) => (a < b ? -1 : 1));
    }
    case 'timeouts': {
      const timeouts = await port.timeouts();
      return timeouts.ok ? timeouts.value : timeouts.problem.code;
    }
    case 'set-timeouts': {
      const set = await port.setTimeouts(step.timeouts);
      return set.ok ? null : set.problem.code;
    }
    case 'probe': {
      const probe = await port.probe(step.scheduler);
      return probe.ok ? probe.value : probe.problem.code;
    }
    case 'clear':
      await clear(port);
      return null;
    default: {
      const { verdicts } = await port.apply(Array.from({ length: step.count }, (_, index) => addNumbered(index)));
      const listed = await port.list();
      return {
        refused: verdicts.filter((verdict) => verdict !== null).length,
        listed: listed.ok ? listed.value.length : listed.problem,
      };
    }
  }
}

/** Adds the server with this number, below 2^20, for IPv4. */
function addNumbered(index: number): IpvsOperation {
  const address = formatAddress(Uint8Array.from([10, 96 + (index >> 16), (index >> 8) & 0xff, index & 0xff]));
  return addServer(plainServer({ kind: 'address', protocol: 'TCP', address, port: 80 }));
}

async function dump(port: IpvsPort): Promise<string> {
  const listed = await port.list();
  return listed.ok ? dumpServers(listed.value) : listed.problem.message;
}

async function clear(port: IpvsPort): Promise<void> {
  const listed = await port.list();
  if (!listed.ok) throw new Error(listed.problem.message);
  await port.apply(listed.value.map(({ key }) => ({ verb: 'delete-server', key })));
}
