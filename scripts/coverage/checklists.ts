import type { Checklist } from './checklist.ts';
import { dns } from './dns.ts';
import { ingress } from './ingress.ts';
import { ipvs } from './ipvs.ts';
import { serviceProxy } from './service-proxy.ts';

/** Every checklist there is a page for. */
export const checklists: readonly Checklist[] = [serviceProxy, ipvs, dns, ingress];
