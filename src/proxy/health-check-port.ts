import type { ServiceRecord } from '../model/mod.ts';

/**
 * The port on which the node answers load balancers' health checks for a Service (specification 2 and 7.3);
 * 0 where it does not.
 */
export function healthCheckPortOf(service: ServiceRecord): number {
  return service.type === 'LoadBalancer' && service.externalLocal ? service.healthCheckNodePort : 0;
}
