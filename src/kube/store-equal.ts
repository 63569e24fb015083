import type { EndpointRecord, SliceRecord } from '../model/mod.ts';

/** True if two values made of plain objects, lists and primitives are the same, key order aside. */
export function isSameData(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && isSameList(a, b);
  return !Array.isArray(b) && isSameObject(a as Plain, b as Plain);
}

/**
 * {@link isSameData} for slices, spelled out: a relist compares all endpoints of the cluster in one turn
 * of the event loop, and walking keys takes about twice as long.
 */
export function isSameSlice(a: SliceRecord, b: SliceRecord): boolean {
  return (
    a.key === b.key &&
    a.service === b.service &&
    a.proxied === b.proxied &&
    a.family === b.family &&
    a.triggeredAt === b.triggeredAt &&
    isSameData(a.ports, b.ports) &&
    ((a.publishedPorts === a.ports && b.publishedPorts === b.ports) || isSameData(a.publishedPorts, b.publishedPorts)) &&
    isSameData(a.labels, b.labels) &&
    isSameEndpoints(a.endpoints, b.endpoints) &&
    isSameEndpoints(a.furtherEndpoints, b.furtherEndpoints)
  );
}

function isSameEndpoint(a: EndpointRecord, b: EndpointRecord): boolean {
  return (
    a.address === b.address &&
    a.ready === b.ready &&
    a.serving === b.serving &&
    a.terminating === b.terminating &&
    a.nodeName === b.nodeName &&
    a.zone === b.zone &&
    a.hostname === b.hostname &&
    a.podName === b.podName &&
    isSameTexts(a.zoneHints, b.zoneHints) &&
    isSameTexts(a.nodeHints, b.nodeHints)
  );
}

function isSameTexts(a: readonly string[], b: readonly string[]): boolean {
  if (a === b) return true;
  return a.length === b.length && a.every((text, at) => text === b[at]);
}

function isSameEndpoints(a: readonly EndpointRecord[], b: readonly EndpointRecord[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (!isSameEndpoint(a[at] as EndpointRecord, b[at] as EndpointRecord)) return false;
  return true;
}

function isSameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (!isSameData(a[at], b[at])) return false;
  return true;
}

type Plain = Readonly<Record<string, unknown>>;

function isSameObject(a: Plain, b: Plain): boolean {
  let surplus = 0;
  for (const key in a) {
    if (!isSameData(a[key], b[key])) return false;
    if (a[key] !== undefined) surplus += 1;
  }
  for (const key in b) if (b[key] !== undefined) surplus -= 1;
  return surplus === 0;
}
