import { precedenceOf } from '../model/mod.ts';
import type { Frontend, PublishingMethod, PublishRequest, ServiceKey } from '../model/mod.ts';
import type { JudgeAddress } from './address-checks.ts';
import type { Claim } from './claims.ts';
import { groupPorts } from './group-ports.ts';
import type { Grouping, GroupWish } from './group-ports.ts';
import { innerFrontends } from './inner-frontends.ts';
import { limitWishes } from './limit-wishes.ts';
import type { Limited } from './limit-wishes.ts';
import { affinityTimeout } from './mark-wishes.ts';
import type { Remark, Tell } from './notice-board.ts';
import { claimsOfRewrite, planClaims } from './plan-claims.ts';
import { planMode } from './plan-mode.ts';
import type { ModePlan } from './plan-mode.ts';
import { publishGroup, serveByAddress } from './publish-group.ts';
import { publishingOf } from './publish-method.ts';
import {
  describeAnnouncing,
  describePlacement,
  describePublished,
  describeRefusals,
  describeRivals,
  describeVainWishes,
} from './publish-remarks.ts';
import { collectPorts, isExternal } from './published-port.ts';
import type { PublishedPort } from './published-port.ts';
import type { PublisherFacts, PublisherOptions } from './publisher-settings.ts';

/** What Services share, and what this one has of it. */
export interface SharedRights {
  /** Replaces all that the Service asks for. */
  claim(claims: readonly Claim[]): void;
  /** The Service that has what this one claimed, or null. */
  rivalOf(claim: Claim): ServiceKey | null;
  /** Whether the Service may have so many marks, which replace those it asked for before. */
  grantMarks(marks: number): boolean;
}

export interface PublishInput {
  readonly request: PublishRequest;
  readonly method: Exclude<PublishingMethod, 'none'>;
  readonly options: Pick<PublisherOptions, 'mode' | 'nodeName' | 'settings' | 'peers'>;
  readonly facts: PublisherFacts;
  readonly judge: JudgeAddress;
  readonly rights: SharedRights;
}

export interface Published {
  readonly frontends: readonly Frontend[];
  readonly remarks: readonly Remark[];
}

const noGroups: Pick<Grouping, 'groups'> = { groups: [] };

/** What becomes of the frontends of one Service in one family. */
export function publishService(input: PublishInput): Published {
  const { request, options, rights, judge } = input;
  const { service } = request;
  // What nobody takes of such an address would go on to whoever leads it here, and come back.
  const frontends = request.frontends.map((frontend) => (isExternal(frontend) ? { ...frontend, exclusive: true } : frontend));
  const remarks: Remark[] = [];
  const tell: Tell = (reason, message) => void remarks.push({ reason, message });
  describeRefusals(frontends.filter(isExternal), judge, tell);
  const ports = collectPorts(frontends, ({ address, kind }) => address !== null && judge(address, kind) === null);
  const announced = describeAnnouncing(service, options.settings, tell);
  const plan = planMode(request, input.method, options, input.facts, tell);
  const served = plan.marks
    ? serveByMark(input, { ...plan, announced }, ports, tell)
    : serveAllByAddress(input, plan, ports, tell);
  const granted = served.filter((frontend) => rights.rivalOf(claimOf(frontend)) === null);
  describePublished(granted, tell);
  const precedence = precedenceOf(service);
  return { frontends: [...innerFrontends(request), ...granted].map((frontend) => ({ ...frontend, precedence })), remarks };
}

function serveAllByAddress({ rights }: PublishInput, plan: ModePlan, ports: readonly PublishedPort[], tell: Tell): Frontend[] {
  const claims = planClaims(ports, [], noGroups);
  rights.claim(claims);
  rights.grantMarks(0);
  describeRivals(claims, rights.rivalOf, tell);
  return byAddress(ports, plan);
}

function serveByMark(
  input: PublishInput,
  plan: ModePlan & { readonly announced: boolean },
  ports: readonly PublishedPort[],
  tell: Tell,
): Frontend[] {
  const { request, options, rights } = input;
  const publishing = publishingOf(request.service);
  const limited = limitWishes(ports, publishing.portRanges, options.settings.limits, tell);
  const wish = wishOf(input, plan, ports, limited);
  // Asked for as if nobody were in the way, so that what others have decides nothing but who gets it.
  const claims = planClaims(
    ports,
    limited.ranges,
    groupPorts({ ...wish, rivalOf: () => null }, () => {}),
  );
  rights.claim(claims);
  describeRivals(claims, rights.rivalOf, tell);
  describeVainWishes(request, plan, tell);
  const grouping = grantGroups(input, plan, groupPorts(wish, tell), ports, tell);
  const groups = grouping.groups.flatMap((group) =>
    publishGroup(group, {
      service: request.service,
      publishing,
      ports,
      policy: plan.policy,
      plainPolicy: plan.plainPolicy,
      // An address that is local is answered for by every node (specification of ingress, 9).
      capture: plan.direct === null && !plan.announced ? (publishing.capture ?? options.settings.capture) : 'policy',
      direct: plan.direct,
      timeoutSeconds: affinityTimeout(request.service, publishing),
      tell,
    }),
  );
  if (plan.announced) describePlacement(groups, tell);
  const accepted = plan.policy.acceptsClients || plan.direct !== null ? groups : [];
  return [...accepted, ...byAddress([...grouping.byAddress, ...limited.surplus], plan)];
}

function wishOf(
  { request: { service }, rights }: PublishInput,
  { direct }: ModePlan,
  published: readonly PublishedPort[],
  { ports, ranges }: Limited,
): GroupWish {
  const publishing = publishingOf(service);
  const forbidden = publishing.portRemap === 'none' ? 'annotation waypost.dev/port-remap is none' : null;
  return {
    service: service.key,
    scope: publishing.affinityScope,
    persistent: affinityTimeout(service, publishing) !== null,
    direct: direct !== null,
    published,
    ports,
    ranges,
    // Other nodes would take a rewritten packet for one to the new port.
    rewritesNot: direct === null ? forbidden : 'direct return rewrites no port',
    rivalOf: (port, target) =>
      claimsOfRewrite(port, target)
        .map((claim) => rights.rivalOf(claim))
        .find((rival) => rival !== null) ?? null,
  };
}

/** What a group takes, whatever back ends there are just now: a mark for each list of back ends and source rewriting. */
const marksOfMode = { mesh: 1, local: 3, dsr: 4 } as const;

function grantGroups(
  { rights, options }: PublishInput,
  { policy }: ModePlan,
  grouping: Grouping,
  ports: readonly PublishedPort[],
  tell: Tell,
): Grouping {
  const marks = grouping.groups.length * (policy.preserveClientIp && policy.mode === 'mesh' ? 2 : marksOfMode[policy.mode]);
  if (rights.grantMarks(marks)) return grouping;
  const limit = `ingress.limits.marksPerNamespace is ${options.settings.limits.marksPerNamespace}`;
  tell('MarkExhausted', `${limit}, older Services have them: ${marks} more would be needed, so it is served by address`);
  const grouped = new Set(grouping.groups.flatMap((group) => group.ports));
  return { groups: [], byAddress: [...grouping.byAddress, ...ports.filter((port) => grouped.has(port))] };
}

function byAddress(ports: readonly PublishedPort[], { plainPolicy }: ModePlan): Frontend[] {
  if (!plainPolicy.acceptsClients) return [];
  return ports.flatMap((port) => port.frontends.map((frontend) => serveByAddress(port, frontend, plainPolicy)));
}

function claimOf({ address, protocol, port, publication }: Frontend): Claim {
  if (address === null) throw new TypeError('a node port is no address that is published');
  return { use: 'published', address, protocol, first: port, last: publication?.lastPort ?? port };
}
