import type { AllowedSources, Frontend, PublishRequest } from '../model/mod.ts';
import { publishingOf } from './publish-method.ts';
import { isExternal } from './published-port.ts';

/** ClusterIP and node ports, which ingress leaves as they are but for who may connect to node ports. */
export function innerFrontends(request: PublishRequest): readonly Frontend[] {
  const inner = request.frontends.filter((frontend) => !isExternal(frontend));
  if (!publishingOf(request.service).sourceRangesOnNodePorts) return inner;
  const allowedSources = sourcesOf(request);
  return inner.map((frontend) => (frontend.kind === 'NodePort' ? { ...frontend, allowedSources } : frontend));
}

/** As load-balancer addresses have them; before there is such an address, the ranges of the Service themselves. */
function sourcesOf({ service, family, frontends }: PublishRequest): AllowedSources | null {
  const balancer = frontends.find(({ kind }) => kind === 'LoadBalancerIP');
  if (balancer !== undefined) return balancer.allowedSources;
  const prefixes = service.sourceRanges.filter((range) => range.family === family);
  return prefixes.length === 0 || prefixes.some(({ length }) => length === 0) ? null : { prefixes };
}
