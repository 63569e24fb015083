import { compareText } from '../model/mod.ts';
import type { Address, Frontend, PublishRequest, ServiceKey, ServiceRecord } from '../model/mod.ts';
import type { JudgeAddress } from './address-checks.ts';
import type { Claim } from './claims.ts';
import { affinityTimeout } from './mark-wishes.ts';
import type { Tell } from './notice-board.ts';
import type { ModePlan } from './plan-mode.ts';
import { hasHashFlags } from './publish-group.ts';
import { publishingOf } from './publish-method.ts';
import type { PublisherSettings } from './publisher-settings.ts';

/** More ports than these are counted, not named: a message is for people, and its length is bounded. */
const mostNames = 8;

/** Says which addresses of a Service are refused and why. */
export function describeRefusals(external: readonly Frontend[], judge: JudgeAddress, tell: Tell): void {
  const told = new Set<string>();
  for (const { address, kind } of external) {
    if (address === null || told.has(`${kind} ${address}`)) continue;
    told.add(`${kind} ${address}`);
    const reason = judge(address, kind);
    if (reason !== null) tell('VIPRefused', `${address} is not published: ${reason}`);
  }
}

/** Whether the addresses of a Service are announced, and what of its wishes that rules out. */
export function describeAnnouncing(service: ServiceRecord, { announces }: PublisherSettings, tell: Tell): boolean {
  const { announce, capture } = publishingOf(service);
  if (!announce) return false;
  if (!announces)
    tell('InvalidAnnotation', 'annotation waypost.dev/announce: garp has no effect without ingress.announce.enabled');
  else if (capture === 'local') {
    const message = 'every node would answer for the address, so waypost.dev/announce: garp takes it by policy';
    tell('InvalidAnnotation', `annotation waypost.dev/vip-capture: local has no effect: ${message}`);
  }
  return announces;
}

/**
 * With direct return a node holds its own back ends where others hold the node, so a scheduler that hashes does not lead a client
 * to the same place on all nodes. Connections live on after a change of node where the new one meets their node by chance, or is
 * that node itself, which knows them.
 */
export function describePlacement(published: readonly Frontend[], tell: Tell): void {
  const differs = published.some(({ routes: { outside } }) => {
    if (outside.verdict !== 'forward') return false;
    const { backends } = outside.pool;
    return backends.some(({ local }) => local) && backends.some(({ delivery }) => delivery !== undefined);
  });
  if (!differs) return;
  const message = 'this node has some of the back ends, so it does not lead clients where other nodes lead them';
  tell('PlacementDiffers', `${message}: when another node takes the address over, established connections may be lost`);
}

/** Says which ports an older Service has. */
export function describeRivals(claims: readonly Claim[], rivalOf: (claim: Claim) => ServiceKey | null, tell: Tell): void {
  const lost = claims.flatMap((claim) => {
    const rival = claim.use === 'published' ? rivalOf(claim) : null;
    return rival === null ? [] : [{ claim, rival, place: `${claim.address} ${rival}` }];
  });
  for (const list of Map.groupBy(lost, ({ place }) => place).values()) {
    const [first] = list;
    if (first === undefined) continue;
    const names = list.slice(0, mostNames).map(({ claim }) => nameOfClaim(claim));
    const more = list.length > mostNames ? ` and ${list.length - mostNames} more` : '';
    const what = `${names.join(', ')}${more} of ${first.claim.address}`;
    tell('VIPPortConflict', `${what} not published: Service ${first.rival} has it and is older`);
  }
}

/** What a Service asked of its marks in vain, besides what its mode cannot do. */
export function describeVainWishes({ service, frontends }: PublishRequest, { direct }: ModePlan, tell: Tell): void {
  const publishing = publishingOf(service);
  const scheduler = service.tuning.scheduler ?? (direct === null ? null : 'mh');
  if (publishing.schedulerFlags !== null && !hasHashFlags(scheduler)) {
    tell('InvalidAnnotation', 'annotation waypost.dev/scheduler-flags has no effect without waypost.dev/scheduler: sh or mh');
  }
  const hasUdp = [...service.ports, ...publishing.portRanges].some(({ protocol }) => protocol === 'UDP');
  if (publishing.onePacket && direct !== null && !hasUdp) {
    tell('InvalidAnnotation', 'annotation waypost.dev/one-packet has no effect on a Service without a port of UDP');
  }
  const remembers = publishing.affinityScope === 'service' && affinityTimeout(service, publishing) !== null;
  if (remembers && frontends.some(({ kind }) => kind === 'NodePort')) {
    const message = 'annotation waypost.dev/affinity-scope: node ports have a memory of their own for each port';
    tell('AffinityScopeReduced', message);
  }
}

/** Says once where a Service can be reached. */
export function describePublished(served: readonly Frontend[], tell: Tell): void {
  const addresses = new Set(served.flatMap(({ address }): Address[] => (address === null ? [] : [address])));
  if (addresses.size === 0) return;
  const marked = served.some(({ publication }) => publication !== null);
  const how = marked ? 'by firewall mark' : 'by address';
  tell('Published', `published ${how} on ${[...addresses].toSorted(compareText).join(', ')}`);
}

function nameOfClaim({ protocol, first, last }: Claim): string {
  return first === last ? `${protocol}/${first}` : `${protocol}/${first}-${last}`;
}
