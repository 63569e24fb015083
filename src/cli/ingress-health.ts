import { HealthChecker, openProbes } from '../ingress/mod.ts';
import type { HealthCounts, HealthRow } from '../ingress/mod.ts';
import type { BackendAddress, Dirty, Problem, ServiceKey, ServiceRecord, SliceRecord, Snapshot } from '../model/mod.ts';

/** Programs take a process each. */
const programShare = 4;

export interface IngressHealthOptions {
  readonly folder: string;
  readonly concurrency: number;
  readonly changed: (services: ReadonlySet<ServiceKey>) => void;
  readonly report: (problem: Problem) => void;
}

/** Active checks of the back ends of Services that ask for them. */
export interface IngressHealth {
  take(snapshot: Snapshot, dirty: Dirty): void;
  isLive(service: ServiceKey, backend: BackendAddress): boolean;
  rows(): readonly HealthRow[];
  counts(): HealthCounts;
  close(): void;
}

export async function startIngressHealth(options: IngressHealthOptions): Promise<IngressHealth> {
  const { folder, concurrency, changed, report } = options;
  const probes = await openProbes(folder);
  if (probes.slowBecause !== null) report(probes.slowBecause);
  const checker = new HealthChecker({
    clock: { now: () => performance.now(), after: (ms, run) => cancelOf(setTimeout(run, ms)) },
    wallTime: () => Date.now(),
    ask: probes.ask,
    concurrency: { sockets: concurrency, programs: Math.max(1, Math.floor(concurrency / programShare)) },
    changed,
  });
  return {
    take(snapshot, dirty) {
      for (const key of dirty.services) {
        const service = snapshot.services.get(key);
        const spec = service?.publishing?.healthCheck ?? null;
        if (service === undefined || spec === null) checker.remove(key);
        else checker.set(key, spec, backendsOf(service, snapshot.slices.get(key) ?? []));
      }
    },
    isLive: (service, backend) => checker.isLive(service, backend),
    rows: () => [...checker.state()],
    counts: () => checker.counts(),
    close() {
      checker.close();
      probes.close();
    },
  };
}

/** In the order of the Service's ports. */
function backendsOf({ ports }: ServiceRecord, slices: readonly SliceRecord[]): readonly BackendAddress[] {
  return ports.flatMap(({ name, protocol }) =>
    slices.flatMap((slice) =>
      slice.ports
        .filter((port) => port.name === name && port.protocol === protocol)
        .flatMap(({ port }) => slice.endpoints.map(({ address }) => ({ address, protocol, port }))),
    ),
  );
}

function cancelOf(timer: NodeJS.Timeout): () => void {
  return () => clearTimeout(timer);
}
