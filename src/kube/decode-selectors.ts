import { fieldOf, isObject } from './decode-fields.ts';

const otherProxyLabel = 'service.kubernetes.io/service-proxy-name';
const headlessLabel = 'service.kubernetes.io/headless';

/**
 * What the API server selects with the labels and fields of specification 1.1, for sources that have no
 * server: no label hands the Service to another proxy (any value counts, the empty one too), and
 * `spec.clusterIP` is not `None`.
 */
export function isProxiedService(raw: unknown): boolean {
  return !hasLabel(raw, otherProxyLabel) && fieldOf(fieldOf(raw, 'spec'), 'clusterIP') !== 'None';
}

/** True unless the slice itself carries the headless label, with any value. */
export function isProxiedSlice(raw: unknown): boolean {
  return !hasLabel(raw, headlessLabel);
}

function hasLabel(raw: unknown, label: string): boolean {
  const labels = fieldOf(fieldOf(raw, 'metadata'), 'labels');
  return isObject(labels) && Object.hasOwn(labels, label);
}
