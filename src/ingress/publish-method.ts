import { noPublishing } from '../model/mod.ts';
import type { PublishingMethod, PublishingMode, ServicePublishing, ServiceRecord } from '../model/mod.ts';

export function publishingOf({ publishing }: ServiceRecord): ServicePublishing {
  return publishing ?? noPublishing;
}

/**
 * Whether and how ingress publishes a Service (specification of ingress, 4): load balancers of our class, and those of
 * others that an annotation hands over. Null: the Service is not ours, and stays as it is.
 */
export function publishingMethod(service: ServiceRecord, className: string): PublishingMethod | null {
  if (service.type !== 'LoadBalancer') return null;
  const asked = service.publishing?.method ?? null;
  if (service.loadBalancerClass === className) return asked ?? 'fwmark';
  return asked === 'none' ? null : asked;
}

/** The mode that `externalTrafficPolicy` means. */
export function modeOfPolicy({ externalLocal }: ServiceRecord): Exclude<PublishingMode, 'dsr'> {
  return externalLocal ? 'local' : 'mesh';
}
