import { clientClasses } from '../model/mod.ts';
import type { Address, Frontend, Pool, Protocol, Publication, SideClient, SideDecision } from '../model/mod.ts';
import { addEntry, addHairpins, addSources, addWay, forwardedPools } from './plan-draft.ts';
import type { Draft } from './plan-draft.ts';
import { addLoopback } from './plan-loopback.ts';
import { chooseScheduler, morePatient, planDrain, planPublished } from './plan-servers.ts';
import type { PlanContext, ServerWish } from './plan-types.ts';
import { overlaps, rewriteTarget, spotOf, targetOf } from './target.ts';
import { serverKeyText } from './virtual-server.ts';
import type { ServerKey } from './virtual-server.ts';

/** A frontend that ingress publishes. */
export type Published = Frontend & { readonly publication: Publication };

/** What has the mark of a server when the balancer is done: nothing, another source, or packets that another node sent on. */
type Lane = 'as-is' | 'masqueraded' | 'hop';

/**
 * Publications to virtual servers of exact marks (specification of ingress, 3 and 6): one for each pool of a group, for all its
 * ports, protocols and addresses. Packets whose source is rewritten go by a mark of their own, and so do those that another
 * node has sent on, so that they are not sent on again.
 */
export function planPublication(draft: Draft, frontend: Published, others: readonly Frontend[]): void {
  const { address, protocol, publication } = frontend;
  const rewritten = rewriteTarget(frontend);
  const target = rewritten ?? targetOf(frontend);
  const servers = new Set<string>();
  const decide = (client: SideClient, decision: SideDecision): void =>
    addEntry(draft, { kind: 'decision', client, ...target, decision });
  const lead = (pool: Pool, lane: Lane): SideDecision => {
    const { mark, text } = addServer(draft, frontend, pool, lane);
    servers.add(text);
    return { verdict: 'mark', mark };
  };
  for (const client of clientClasses) {
    const route = frontend.routes[client];
    const forwards = route.verdict === 'forward';
    decide(client, forwards ? lead(route.pool, laneOf(route.masquerade)) : { verdict: route.verdict });
  }
  const hop = publication.secondHop;
  // Without a word: by the time the client sends again, the other node may know that there is nobody here.
  if (hop !== null) decide('peer', hop.backends.length === 0 ? { verdict: 'drop' } : lead(hop, 'hop'));
  const rewrite = rewritten === null ? {} : { rewritePort: rewritten.port };
  draft.spots.set(spotOf(targetOf(frontend)), { ...targetOf(frontend), ...rewrite, servers: [...servers] });
  addHairpins(draft, frontend);
  if (address === null) {
    addLoopback(draft, frontend);
    return;
  }
  if (rewritten !== null) addRewrite(draft, { address, protocol, port: frontend.port, to: rewritten.port }, others);
  const place = { ...target, address };
  if (publication.segmentSize !== null) addEntry(draft, { kind: 'clamp', address, size: publication.segmentSize });
  addSources(draft, frontend, place);
  addWay(draft, place, publication.capture, frontend);
}

/** Names of the marks that frontends need. */
export function markNames(frontends: Iterable<Published>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { routes, publication } of frontends) {
    for (const client of clientClasses) {
      const route = routes[client];
      if (route.verdict === 'forward') names.add(markName(publication, route.pool, laneOf(route.masquerade)));
    }
    const hop = publication.secondHop;
    if (hop !== null && hop.backends.length > 0) names.add(markName(publication, hop, 'hop'));
  }
  return names;
}

/**
 * Whether a mark can serve a frontend as it is. Else it is served as if it were not published:
 * - where its packets cannot be rewritten: to a port that clients of another Service, or of another port of this one, have;
 * - where clients are remembered and a back end has a port of its own: a persistent server of a mark looks at no port of its
 *   back ends (specification of ingress, 6).
 */
export function isPublishable(frontend: Published, before: readonly Published[], context: PlanContext): boolean {
  const { publication, service, address, port } = frontend;
  const { rewritePort, persistence, secondHop } = publication;
  if (rewritePort !== null && rewritePort !== port && address === null) return false;
  const pools = [...forwardedPools(frontend), ...(secondHop === null ? [] : [secondHop])];
  if (persistence !== null && pools.some(({ backends }) => backends.some((one) => one.port !== 0))) return false;
  const rewritten = rewriteTarget(frontend);
  if (rewritten === null) return true;
  return context.owns(rewritten, service) && !before.some((one) => overlaps(rewriteTarget(one) ?? targetOf(one), rewritten));
}

function laneOf(masquerade: boolean): Lane {
  return masquerade ? 'masqueraded' : 'as-is';
}

/** The same for both families, so that both give it the same mark where that is free. */
function markName({ group }: Publication, { key }: Pool, lane: Lane): string {
  return `${group} ${key} ${lane}`;
}

function addServer(draft: Draft, frontend: Published, pool: Pool, lane: Lane): { readonly mark: number; readonly text: string } {
  const { publication } = frontend;
  const { service, context, servers, marks } = draft;
  const marked = marks.get(markName(publication, pool, lane));
  if (marked === undefined) throw new Error(`no mark was asked for ${markName(publication, pool, lane)}`);
  const { mark, record } = marked;
  const key: ServerKey = { kind: 'mark', family: context.family, mark };
  const text = serverKeyText(key);
  const known = servers.get(text);
  const drain = planDrain(frontend, context);
  if (known === undefined) servers.set(text, { service, key, ...planServer(draft, frontend, pool), drain });
  else servers.set(text, { ...known, drain: morePatient(known.drain, drain) });
  addEntry(draft, record);
  addEntry(draft, { kind: 'lane', mark, masquerade: lane === 'masqueraded' });
  return { mark, text };
}

function planServer(
  { context, destinations }: Draft,
  frontend: Published,
  pool: Pool,
): Omit<ServerWish, 'service' | 'key' | 'drain'> {
  const { publication } = frontend;
  const { connectionLimit, schedulerFlags, persistence } = publication;
  const name = `${publication.group} ${pool.key}`;
  const members = destinations.get(name) ?? planPublished(pool.backends, connectionLimit);
  destinations.set(name, members);
  return {
    ...chooseScheduler(frontend, pool, context.scheduler),
    schedulerFlags,
    persistence,
    // Answers of a datagram that is balanced alone find no way back through a translation (specification of IPVS, 1.6).
    onePacket: publication.onePacket && pool.backends.every(({ delivery }) => delivery !== undefined),
    destinations: members,
  };
}

interface Rewrite {
  readonly address: Address;
  readonly protocol: Protocol;
  readonly port: number;
  readonly to: number;
}

/** ICMP errors name the port that was rewritten, so clients get no word of a smaller path (specification of ingress, 6). */
function addRewrite(draft: Draft, rewrite: Rewrite, others: readonly Frontend[]): void {
  const { address, protocol, to } = rewrite;
  const direct = others.some((one) => overlaps(targetOf(one), { address, protocol, port: to }));
  addEntry(draft, { kind: 'rewrite', ...rewrite, direct });
  addEntry(draft, { kind: 'clamp', address, size: null });
}
