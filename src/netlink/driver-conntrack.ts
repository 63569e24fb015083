import { setTimeout as sleep } from 'node:timers/promises';
import { fail, succeed } from '../model/mod.ts';
import type { Outcome, Pause, Problem } from '../model/mod.ts';
import { conntrackTypes, readFlow, writeDeletion, writeQuery } from './conntrack.ts';
import type { ConntrackFlow, ConntrackListing, ConntrackPort, ConntrackQuery, ConntrackRemoval } from './conntrack-port.ts';
import { netlinkProtocol, openWire } from './driver-libc.ts';
import { NetlinkSocket } from './driver-socket.ts';
import type { DumpResult, Request, Verdict } from './driver-socket.ts';
import { errnos } from './errno.ts';
import { refusedFailure } from './problem.ts';
import type { Wire } from './wire.ts';

export interface ConntrackPortOptions {
  readonly pause: Pause;
  /** Opens a socket; for tests. */
  readonly open?: () => Promise<Outcome<Wire>>;
  /** Waits so many milliseconds; for tests. */
  readonly sleep?: (milliseconds: number) => Promise<void>;
}

/** A dump that was interrupted is taken again so often; after that its partial list has to do (specification 6.1). */
const dumpRetries = 5;
/** Rounds in which deletions whose verdict was lost are asked for again. */
const removalRounds = 5;

const listing = 'list the conntrack table';
const deleting = 'delete a conntrack entry';

/**
 * The conntrack table through netlink (nf_conntrack_netlink). Every call has a socket of its own: opening one takes
 * microseconds, and a dump that was broken off cannot disturb the next.
 */
export function createConntrackPort(options: ConntrackPortOptions): ConntrackPort {
  let filtered = true;
  const open = async (): Promise<Outcome<NetlinkSocket>> => {
    const wire = await (options.open ?? (() => openWire(netlinkProtocol.netfilter)))();
    if (!wire.ok) return wire;
    const wait = options.sleep ?? (async (milliseconds) => await sleep(milliseconds));
    return succeed(new NetlinkSocket({ wire: wire.value, pause: options.pause, sleep: wait }));
  };

  const dumpOnce = async (query: ConntrackQuery, flows: ConntrackFlow[]): Promise<Outcome<DumpResult>> => {
    const opened = await open();
    if (!opened.ok) return opened;
    using socket = opened.value;
    const request = {
      type: conntrackTypes.get,
      body: (writer: Parameters<Request['body']>[0]) => writeQuery(writer, query, filtered),
    };
    const result = await socket.dump(request, listing, (view, message) => {
      const flow = readFlow(view, message, query);
      if (flow !== null) flows.push(flow);
    });
    return succeed(result);
  };

  const list = async (query: ConntrackQuery): Promise<Outcome<ConntrackListing>> => {
    for (let attempt = 0; ;) {
      const flows: ConntrackFlow[] = [];
      const dumped = await dumpOnce(query, flows);
      if (!dumped.ok) return dumped;
      const result = dumped.value;
      if (result.ok && !result.interrupted) return succeed({ flows, complete: true });
      if (!result.ok && filtered && isFilterRefused(result.failure.errno)) filtered = false;
      else if (!result.ok && result.failure.errno !== errnos.EINTR) return { ok: false, problem: result.failure.problem };
      else if (attempt < dumpRetries) attempt += 1;
      else return succeed({ flows, complete: false });
    }
  };

  const remove = async (flows: readonly ConntrackFlow[]): Promise<ConntrackRemoval> => {
    if (flows.length === 0) return { removed: 0, gone: 0, problem: null };
    const opened = await open();
    if (!opened.ok) return { removed: 0, gone: 0, problem: opened.problem };
    using socket = opened.value;
    return await removeAll(socket, flows);
  };

  return { list, remove };
}

async function removeAll(socket: NetlinkSocket, flows: readonly ConntrackFlow[]): Promise<ConntrackRemoval> {
  const total = { removed: 0, gone: 0, problem: null as Problem | null };
  let left = flows;
  for (let round = 0; left.length > 0 && round < removalRounds; round += 1) {
    const { verdicts, failure } = await socket.submit(left.map((flow) => deletionOf(flow)));
    for (const verdict of verdicts) count(verdict, total);
    // A second deletion of the same entry does no harm: the id keeps it from meeting another.
    left = left.filter((_, index) => verdicts[index]?.kind === 'lost');
    if (failure !== null) return { ...total, problem: total.problem ?? failure.problem };
  }
  if (left.length === 0) return total;
  const unsure = fail('WP_NETLINK_SILENT', `the kernel did not say what became of ${left.length} deleted conntrack entries`);
  return { ...total, problem: total.problem ?? unsure.problem };
}

function deletionOf(flow: ConntrackFlow): Request {
  return { type: conntrackTypes.delete, body: (writer) => writeDeletion(writer, flow) };
}

function count(verdict: Verdict, total: { removed: number; gone: number; problem: Problem | null }): void {
  if (verdict.kind === 'done') total.removed += 1;
  if (verdict.kind !== 'refused') return;
  if (verdict.refusal.errno === errnos.ENOENT) total.gone += 1;
  else total.problem ??= refusedFailure(deleting, verdict.refusal).problem;
}

/** A kernel that knows dump filters but not this one, or that has no such attribute and minds. */
function isFilterRefused(errno: number): boolean {
  return errno === errnos.EINVAL || errno === errnos.EOPNOTSUPP;
}
