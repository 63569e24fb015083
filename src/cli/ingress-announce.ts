import { randomUUID } from 'node:crypto';
import { AnnounceBook, Announcer, openAnnounceKernel, watchInterfaces } from '../ingress/mod.ts';
import type { AnnounceKernel, AnnounceNotice, AnnounceRow, PublisherOptions } from '../ingress/mod.ts';
import type { IngressSettings } from '../config/mod.ts';
import { openLeaseWatch } from '../kube/mod.ts';
import type { Address, Clock, Dirty, Family, Pause, Problem, Snapshot } from '../model/mod.ts';
import { systemClock } from '../observe/mod.ts';
import { AnnounceEvents } from './announce-events.ts';
import { apiAccess } from './api-access.ts';
import type { StartProxyOptions } from './proxy-handle.ts';

export interface IngressAnnounceOptions extends StartProxyOptions {
  readonly settings: IngressSettings;
  readonly pause: Pause;
  readonly publishing: Pick<PublisherOptions, 'mode' | 'settings' | 'facts'>;
  /** Every packet to the address is taken on each node, so that each node answers for it. */
  readonly takenWhole: (address: Address) => boolean;
}

/** Announced addresses of a running agent. */
export interface IngressAnnounce {
  /** A commit of the source. */
  take(snapshot: Snapshot, dirty: Dirty): void;
  /** Everything has been read once. */
  listed(): void;
  /** The rules of this family are in the kernel: with those of all families the node may be chosen. */
  synced(family: Family): void;
  rows(): readonly AnnounceRow[];
  /** Gives the addresses to other nodes. May be called again. */
  stop(): Promise<void>;
}

/** No request of a Lease takes longer: the agent has to end in time. */
const longestWriteMs = 2000;
/** A renewal that is not answered is tried again before the Lease is up. */
const writesPerLease = 3;

/** Milliseconds since 1970 that do not jump when the machine's time is set. */
const steadyClock: Clock = { ...systemClock, now: () => performance.timeOrigin + performance.now() };

/** Null where nobody asks for it, or where it cannot be done, which is reported: the addresses are published all the same. */
export async function startIngressAnnounce(options: IngressAnnounceOptions): Promise<IngressAnnounce | null> {
  const { config, settings, nodeName, report } = options;
  if (settings.announce === null) return null;
  if (config.manifests !== null) {
    const message = 'ingress.announce.enabled needs an API server, where nodes agree who announces an address: none is announced';
    report({ code: 'WP_INGRESS_ANNOUNCE_LEASES', message });
    return null;
  }
  const { durationMs, namespace } = settings.lease;
  const writeMs = Math.min(longestWriteMs, Math.floor(durationMs / writesPerLease));
  const leases = await openLeaseWatch({ ...apiAccess(config, nodeName), namespace, writeMs });
  if (!leases.ok) {
    report(leases.problem);
    return null;
  }
  const kernels = await openKernels(options, settings.announce.interfaces ?? []);
  const book = new AnnounceBook(options.publishing);
  const announcer = new Announcer({
    node: nodeName,
    instance: `${nodeName}_${randomUUID()}`,
    durationMs,
    leases: leases.value,
    kernels,
    clock: steadyClock,
    notice: makeNotice(options, book, () => announcer.rows()),
  });
  const watching = await watchInterfaces(() => announcer.recheck());
  // Without it a change is found by the next look, some seconds later.
  if (!watching.ok) report(watching.problem);
  return handleOf(options, book, announcer, () => watching.ok && watching.value.close());
}

function handleOf(
  { families }: IngressAnnounceOptions,
  book: AnnounceBook,
  announcer: Announcer,
  close: () => unknown,
): IngressAnnounce {
  const waiting = new Set<Family>(families);
  let listed = false;
  let stopping: Promise<void> | null = null;
  const tell = (): void => {
    if (listed) announcer.set(book.wishes());
  };
  return {
    take(snapshot, dirty) {
      if (book.take(snapshot, dirty)) tell();
    },
    listed() {
      listed = true;
      tell();
    },
    synced(family) {
      if (waiting.delete(family) && waiting.size === 0) void announcer.start();
    },
    rows: () => announcer.rows(),
    async stop() {
      if (stopping === null) close();
      await (stopping ??= announcer.close('release'));
    },
  };
}

/** A family that has none is not announced. */
async function openKernels(
  { families, pause, report }: IngressAnnounceOptions,
  devices: readonly string[],
): Promise<readonly AnnounceKernel[]> {
  const opened = await Promise.all(families.map((family) => openAnnounceKernel({ family, pause, devices })));
  return opened.flatMap((outcome) => {
    if (outcome.ok) return [outcome.value];
    report(outcome.problem);
    return [];
  });
}

/** Says who answers for an address, in the log of every node and in Events of the node that does. */
function makeNotice(
  { nodeName, logger, report, event = () => {}, takenWhole }: IngressAnnounceOptions,
  book: AnnounceBook,
  rows: () => readonly AnnounceRow[],
): (notice: AnnounceNotice) => void {
  const events = new AnnounceEvents({ nodeName, servicesOf: (address) => book.servicesOf(address), event });
  return (notice) => {
    // The rows are as the notice says when the announcer is done with its turn.
    setImmediate(() => events.compare(rows()));
    if (notice.kind === 'problem') return report(notice.problem);
    const { address, owner, before } = notice;
    logger.info('announced address', { address, owner: owner ?? 'none', before: before ?? 'none' });
    if (owner === nodeName && takenWhole(address)) report(describeTakenWhole(address));
  };
}

function describeTakenWhole(address: Address): Problem {
  const message = `${address} is announced by this node and taken whole by a Service without waypost.dev/announce: garp, so every node answers for it; set waypost.dev/vip-capture: policy on all Services of the address`;
  return { code: 'WP_INGRESS_ANNOUNCE_CAPTURE', message };
}
