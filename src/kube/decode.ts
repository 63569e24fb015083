/** From the JSON of API objects, all of it untrusted, to the slim records of the model. */
export type { Decoded } from './decode-fields.ts';
export { readObjectName } from './decode-names.ts';
export { decodeNamespace } from './decode-namespace.ts';
export { decodeNode } from './decode-node.ts';
export { decodePod, isPodGone } from './decode-pod.ts';
export { isProxiedService, isProxiedSlice } from './decode-selectors.ts';
export { decodeService } from './decode-service.ts';
export { decodeSlice } from './decode-slice.ts';
