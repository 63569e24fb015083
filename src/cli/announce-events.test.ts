import { expect, test } from 'vitest';
import type { AnnounceRow } from '../ingress/mod.ts';
import type { AgentEvent } from '../kube/mod.ts';
import type { Address } from '../model/mod.ts';
import { AnnounceEvents } from './announce-events.ts';

const address = '192.0.2.50' as Address;
const row = (over: Partial<AnnounceRow> = {}): AnnounceRow => {
  return { address, owner: 'node-1', undecided: false, since: 0, problem: null, ...over };
};

test('[INGRESS-49] Services are told by the node that answers, once for each change', () => {
  const told: string[] = [];
  const event = ({ about, type, reason, message }: AgentEvent): void => {
    told.push(`${about.kind === 'Service' ? about.namespace : ''}/${about.name} ${type} ${reason}: ${message}`);
  };
  const events = new AnnounceEvents({ nodeName: 'node-1', servicesOf: () => ['shop/web', 'shop/api'], event });
  events.compare([row({ owner: 'node-2' })]);
  events.compare([row({ undecided: true })]);
  events.compare([row({ owner: null })]);
  expect(told).toEqual([]);
  events.compare([row()]);
  events.compare([row({ since: 5 })]);
  const well = ['web', 'api'].map((name) => `shop/${name} Normal Announced: 192.0.2.50 is announced by node node-1`);
  expect(told).toEqual(well);
  events.compare([row({ problem: { code: 'WP_INGRESS_ANNOUNCE_LOCAL', message: 'it is local' } })]);
  const ill = ['web', 'api'].map((name) => `shop/${name} Warning NotAnnounced: it is local (WP_INGRESS_ANNOUNCE_LOCAL)`);
  expect(told).toEqual([...well, ...ill]);
  events.compare([row({ owner: 'node-2' })]);
  events.compare([row()]);
  expect(told).toEqual([...well, ...ill, ...well]);
});
