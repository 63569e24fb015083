import { readFileSync } from 'node:fs';
import type { V1DaemonSet } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { renderedFile } from '../../scripts/manifests/render.ts';
import type { RbacObject } from './rbac.ts';

/** The objects of an overlay, as they are kept in deploy/rendered. */
export function readRendered(name: string): readonly RbacObject[] {
  const documents = parseAllDocuments(readFileSync(renderedFile(name), 'utf8'), { merge: true });
  return documents.map((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    return document.toJS() as RbacObject;
  });
}

/** The one DaemonSet of an overlay. */
export function readDaemonSet(name: string): V1DaemonSet {
  const found = readRendered(name).filter(({ kind }) => kind === 'DaemonSet');
  if (found.length !== 1) throw new Error(`the overlay ${name} has ${found.length} DaemonSets`);
  return found[0] as V1DaemonSet;
}

/** The container of the agent, or the one that prepares its node. */
export function readContainer(
  name: string,
  which: 'init' | 'waypost',
): NonNullable<NonNullable<V1DaemonSet['spec']>['template']['spec']>['containers'][number] {
  const pod = readDaemonSet(name).spec?.template.spec;
  const container = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])].find((one) => one.name === which);
  if (container === undefined) throw new Error(`the overlay ${name} has no container ${which}`);
  return container;
}
