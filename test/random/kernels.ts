import { createFakeIptables, createFakeSets, createIptablesDataPlane, trace } from '../../src/iptables/mod.ts';
import type { RulesetState } from '../../src/iptables/mod.ts';
import type { TraceOutcome } from '../../src/iptables/tracer.ts';
import { succeed } from '../../src/model/mod.ts';
import type { Address, ApplyReport, Change, Family } from '../../src/model/mod.ts';
import { createFakeNftPort, createNftablesDataPlane, shareGenerations, tracePacket } from '../../src/nftables/mod.ts';
import type { TableState } from '../../src/nftables/mod.ts';
import { describePlane, readPlaneTable } from '../../src/nftables/plane.fixture.ts';
import { deviceTo, machine } from './hosts.ts';
import type { Packet } from './reference.ts';

/** Mark bits of somebody else (specification 4.3). */
export const foreignMark = 0x0001_0010;

/** A way of a packet through the rules of any mode. */
export type Way = Pick<
  TraceOutcome,
  'verdict' | 'destination' | 'destinationPort' | 'seenSource' | 'delivered' | 'mark' | 'probability'
> & {
  /** The rules that it met, where the tracer tells. */
  readonly path?: TraceOutcome['path'];
};

/** What a packet is besides what the reference model knows of it. */
export interface Traced {
  readonly packet: Packet;
  readonly source: Address;
  readonly destination: Address;
  readonly localAddresses: readonly Address[];
}

/** A data plane of one family on a fake kernel. */
export interface Kernel {
  apply(change: Change): Promise<void>;
  /** Every way a packet can go through the rules as they stand. */
  trace(traced: Traced): readonly Way[];
  /** What the kernel holds, as text that two kernels share which do the same. */
  dump(): string;
}

function expectAccepted({ problem, failed }: ApplyReport): void {
  const refusals = [problem, ...failed.values()].filter((one) => one !== null);
  if (refusals.length > 0) throw new Error(refusals.map(({ message }) => message).join('; '));
}

const everyTable = ['raw', 'mangle', 'nat', 'filter', 'security'] as const;

/** Without sets, affinity falls back to what iptables alone can do. */
export function makeIptablesKernel(family: Family, withSets: boolean): Kernel {
  const port = createFakeIptables(family);
  const plane = createIptablesDataPlane({
    family,
    port,
    sets: withSets ? createFakeSets(() => port.dump()) : null,
    dropInvalid: true,
    allowLoopbackRouting: () => succeed(undefined),
    degraded: ({ message }) => {
      throw new Error(message);
    },
    pause: () => null,
    now: () => 0,
  });
  let ruleset: RulesetState | null = null;
  return {
    async apply(change) {
      const report = await plane.apply(change);
      expectAccepted(report);
      if (report.operations === 0 && ruleset !== null) return;
      const saved = await port.save(everyTable);
      if (!saved.ok) throw new Error(saved.problem.message);
      ruleset = saved.value;
    },
    trace({ packet, source, destination, localAddresses }) {
      if (ruleset === null) throw new Error('nothing was programmed yet');
      const protocol = packet.protocol.toLowerCase() as 'tcp' | 'udp' | 'sctp';
      const { port: destinationPort, device: inInterface } = packet;
      const sourceAddress = machine[family] as Address;
      const traced = trace(
        ruleset,
        { family, source, destination, protocol, destinationPort, inInterface, mark: foreignMark },
        { localAddresses, route: (to) => ({ outInterface: deviceTo(to), sourceAddress }) },
      );
      if (!traced.ok) throw new Error(traced.problem.message);
      return traced.value.outcomes;
    },
    dump: () => port.dump(),
  };
}

const verdicts = { passes: 'accept', drop: 'drop', reject: 'reject' } as const;

export function makeNftablesKernel(family: Family): Kernel {
  const port = createFakeNftPort();
  const generations = shareGenerations();
  const plane = createNftablesDataPlane({ family, port, generations, serviceCidrs: [], pause: () => null, now: () => 0 });
  let table: TableState | null = null;
  return {
    async apply(change) {
      const report = await plane.apply(change);
      expectAccepted(report);
      if (report.operations > 0 || table === null) table = await readPlaneTable(port, family);
    },
    trace({ packet, source, destination, localAddresses }) {
      if (table === null) throw new Error('nothing was programmed yet');
      const { port: destinationPort, device: inInterface } = packet;
      const local = new Set(localAddresses);
      const protocol = packet.protocol as 'TCP' | 'UDP' | 'SCTP';
      const ways = tracePacket(table, {
        source,
        destination,
        protocol,
        port: destinationPort,
        inInterface,
        mark: foreignMark,
        localAddresses: local,
      });
      return ways.map((way): Way => {
        const delivered = local.has(way.destination) ? 'local' : 'wire';
        const seenSource = way.masquerade ? (machine[family] as Address) : source;
        return { ...way, verdict: verdicts[way.verdict], destinationPort: way.port, delivered, seenSource };
      });
    },
    dump: () => describePlane(table),
  };
}
