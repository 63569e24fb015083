import { matchesSelector, noLabels } from '../model/mod.ts';
import type { Address, Labels, PublishingMethod, PublishingMode, PublishRequest } from '../model/mod.ts';
import { deliveryOf } from './direct-return.ts';
import type { DirectReturn } from './direct-return.ts';
import { listMarkWishes } from './mark-wishes.ts';
import type { RoutePolicy } from './mode-routes.ts';
import type { Tell } from './notice-board.ts';
import { modeOfPolicy, publishingOf } from './publish-method.ts';
import type { PublisherFacts, PublisherOptions } from './publisher-settings.ts';

/** How a Service is to be served on this node. */
export interface ModePlan {
  /** Marks serve it: the data plane has them, and the Service wants them. */
  readonly marks: boolean;
  readonly policy: RoutePolicy;
  /** As `policy`, without direct return. */
  readonly plainPolicy: RoutePolicy;
  /** Null in modes other than `dsr`. */
  readonly direct: DirectReturn | null;
}

/** Takes the mode that was asked for, or the nearest one that can be had, and says which wishes cannot be met. */
export function planMode(
  request: PublishRequest,
  method: PublishingMethod,
  options: Pick<PublisherOptions, 'mode' | 'nodeName' | 'settings' | 'peers'>,
  facts: PublisherFacts,
  tell: Tell,
): ModePlan {
  const { service, family } = request;
  const { settings } = options;
  const publishing = publishingOf(service);
  const marks = method === 'fwmark' && options.mode === 'ipvs';
  if (!marks) {
    for (const wish of listMarkWishes(service, publishing, family)) {
      if (options.mode !== 'ipvs') tell('NotInThisMode', `annotation ${wish} has no effect in ${options.mode} mode`);
      else tell('InvalidAnnotation', `annotation ${wish} has no effect with waypost.dev/ingress: address`);
    }
  }
  const direct = marks && publishing.mode === 'dsr' ? planDirect(request, options, facts, tell) : null;
  const plainMode = publishing.mode === null || publishing.mode === 'dsr' ? modeOfPolicy(service) : publishing.mode;
  const mode: PublishingMode = direct === null ? plainMode : 'dsr';
  if (marks && direct === null && publishing.onePacket) {
    tell('InvalidAnnotation', 'annotation waypost.dev/one-packet has no effect without waypost.dev/ingress-mode: dsr');
  }
  const labels: Labels = facts.nodes?.get(options.nodeName)?.labels ?? noLabels;
  const plainPolicy: RoutePolicy = {
    mode: plainMode,
    noEndpointsAction: publishing.noEndpointsAction ?? settings.noEndpointsAction,
    detectsPods: settings.detectsPods,
    preserveClientIp: publishing.preserveClientIp,
    acceptsClients: matchesSelector(publishing.nodeSelector, labels),
  };
  return { marks, policy: { ...plainPolicy, mode }, plainPolicy, direct };
}

/** Direct return lets a Service send with any source, so the node's configuration has to allow it. */
function planDirect(
  { service, family, nodeOf }: PublishRequest,
  { settings: { directReturn }, peers }: Pick<PublisherOptions, 'settings' | 'peers'>,
  { nodes }: PublisherFacts,
  tell: Tell,
): DirectReturn | null {
  const instead = `it is served in mode ${modeOfPolicy(service)}`;
  if (!directReturn.enabled) {
    tell('DSRNotAllowed', `annotation waypost.dev/ingress-mode: dsr needs ingress.dsr.enabled, ${instead}`);
    return null;
  }
  if (nodes === null) {
    tell(
      'DSRNotAllowed',
      `annotation waypost.dev/ingress-mode: dsr needs the Nodes of the cluster, which are not known, ${instead}`,
    );
    return null;
  }
  const method = service.publishing?.dsrMethod ?? directReturn.method;
  // Every node has the end of an IP in IP tunnel; for the others it is prepared only where they are configured.
  if (method !== 'ipip' && method !== directReturn.method) {
    tell('DSRNotAllowed', `annotation waypost.dev/dsr-method: ${method} needs ingress.dsr.method ${method}, ${instead}`);
    return null;
  }
  const delivery = deliveryOf(method, directReturn);
  const way =
    delivery.method === 'direct'
      ? { reach: (address: Address) => peers?.reach(address) ?? 'reached', segmentSize: null }
      : { reach: () => 'reached' as const, segmentSize: peers?.segmentSize(family) ?? null };
  return { delivery, family, nodes, nodeOf, ...way };
}
