import type { EventSubject } from '../kube/mod.ts';
import { splitServiceKey } from '../model/mod.ts';
import type { ServiceKey } from '../model/mod.ts';

/** A Service as what an Event is about. */
export function aboutService(service: ServiceKey): EventSubject {
  return { kind: 'Service', ...splitServiceKey(service) };
}
