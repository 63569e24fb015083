import { makeConfig } from '../../src/config/mod.ts';
import type { EffectiveConfig } from '../../src/config/mod.ts';
import { decodeNode, decodeService, decodeSlice, isProxiedService, isProxiedSlice } from '../../src/kube/decode.ts';
import { createStore } from '../../src/kube/store.ts';
import { parseAddress } from '../../src/model/mod.ts';
import type { Address, DataPlaneSettings, Family, Frontend, ProxyMode, ServiceKey, Snapshot } from '../../src/model/mod.ts';
import { resolveNodeAddress, resolveSettings } from '../../src/proxy/settings.ts';
import { deriveFrontends } from '../../src/proxy/view.ts';
import { secondNodeAddress } from '../lab/addressing.ts';
import { labConfig } from '../lab/config.ts';
import type { ApiObject, Group } from './flow.ts';
import { nodeObject, plan } from './objects.ts';

/** What a data plane of one family is told about a group. */
export interface FamilyWish {
  readonly settings: DataPlaneSettings;
  readonly services: ReadonlyMap<ServiceKey, readonly Frontend[]>;
}

/** Every address of node1. */
export const localAddresses: readonly Address[] = [
  ...Object.values(plan.node1.addresses),
  ...Object.values(secondNodeAddress),
  '127.0.0.1',
  '::1',
].map(address);

/** Reads a group's objects and configuration the way the agent does, down to frontends. */
export function deriveGroup(group: Group, family: Family, mode: ProxyMode = 'iptables'): FamilyWish {
  const config = readConfig(group, mode);
  const snapshot = readObjects([nodeObject(), ...group.scenarios.flatMap(({ objects }) => objects)]);
  const settings = resolveSettings(config, family, { node: snapshot.node, localAddresses });
  const services = [...snapshot.services].map(([key, service]) => {
    const frontends = deriveFrontends(service, snapshot.slices.get(key) ?? [], {
      family,
      nodeName: 'node-1',
      zone: snapshot.node?.zone ?? null,
      nodeAddress: resolveNodeAddress(config, family, snapshot.node),
      detectsPods: settings.podTraffic.kind !== 'none',
      masqueradeAll: config.masqueradeAll,
      externalIps: config.externalIps,
    });
    return [key, frontends] as const;
  });
  return { settings, services: new Map(services) };
}

function readConfig(group: Group, mode: ProxyMode): EffectiveConfig {
  const loaded = makeConfig(new Map(), { name: group.name, text: JSON.stringify(labConfig({ mode, ...group.config })) });
  if (loaded.ok) return loaded.config;
  throw new Error(`${group.name}: ${loaded.problems.map(({ message }) => message).join('; ')}`);
}

function readObjects(objects: readonly ApiObject[]): Snapshot {
  const store = createStore();
  for (const object of objects) {
    const service = object.kind === 'Service' && isProxiedService(object) ? decodeService(object) : null;
    const slice = object.kind === 'EndpointSlice' && isProxiedSlice(object) ? decodeSlice(object) : null;
    const node = object.kind === 'Node' ? decodeNode(object) : null;
    if (service?.ok === true) store.services.upsert(service.value);
    if (slice?.ok === true) store.slices.upsert(slice.value);
    if (node?.ok === true) store.nodes.upsert(node.value);
  }
  const commit = store.commit();
  if (commit === null) throw new Error('no object of the group was taken');
  return commit.snapshot;
}

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new TypeError(`not an address: ${text}`);
  return parsed;
}
