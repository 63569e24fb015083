import { collections } from '../api-server/collections.ts';
import type { Fault, SeenRequest } from '../api-server/fault.ts';

/** One thing that a role allows: one verb on one resource, of one name or of all (null), in one namespace or in all (null). */
export interface Grant {
  readonly verb: string;
  readonly group: string;
  /** With the subresource: `services/status`. */
  readonly resource: string;
  readonly name: string | null;
  readonly namespace: string | null;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** As much of an object of a manifest as is read here. */
export interface RbacObject {
  readonly kind?: unknown;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
}

/** Everything that the bindings among these objects allow a service account. Pure. */
export function readGrants(
  objects: readonly RbacObject[],
  account: { readonly namespace: string; readonly name: string },
): Grant[] {
  const bindings = objects.filter(
    ({ kind, subjects = [] }) =>
      (kind === 'ClusterRoleBinding' || kind === 'RoleBinding') &&
      subjects.some((one) => one.kind === 'ServiceAccount' && one.name === account.name && one.namespace === account.namespace),
  );
  return bindings.flatMap(({ kind, metadata, roleRef }) => {
    const namespace = kind === 'RoleBinding' ? (metadata?.namespace ?? null) : null;
    const role = objects.find(
      (one) =>
        one.kind === roleRef?.kind &&
        one.metadata?.name === roleRef?.name &&
        (one.kind === 'ClusterRole' || one.metadata?.namespace === namespace),
    );
    if (role === undefined) throw new Error(`${String(kind)} ${metadata?.name} is about a role that is not there`);
    return (role.rules ?? []).flatMap((rule) => expandRule(rule, namespace));
  });
}

function expandRule({ apiGroups, resources, resourceNames, verbs }: Rule, namespace: string | null): Grant[] {
  const names: readonly (string | null)[] = resourceNames ?? [null];
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) => verbs.flatMap((verb) => names.map((name) => ({ verb, group, resource, name, namespace })))),
  );
}

/** In words: `patch leases waypost-ingress in kube-system`. */
export function describeGrant({ verb, resource, name, namespace }: Grant): string {
  return [verb, resource, ...(name === null ? [] : [name]), ...(namespace === null ? [] : [`in ${namespace}`])].join(' ');
}

/** Refuses what no grant allows, as an API server does that is told to use RBAC, and remembers what was needed. */
export class RbacGuard {
  readonly #grants: readonly Grant[];
  readonly #used = new Set<Grant>();
  readonly #refused = new Set<string>();

  constructor(grants: readonly Grant[]) {
    this.#grants = grants;
  }

  /** For `ApiServer.intercept`. */
  readonly intercept = (seen: SeenRequest): Fault | null => {
    const wanted = grantFor(seen);
    const allowing = this.#grants.filter((grant) => allows(grant, wanted));
    for (const grant of allowing) this.#used.add(grant);
    if (allowing.length > 0) return null;
    this.#refused.add(describeGrant(wanted));
    return { kind: 'status', status: 403, reason: 'Forbidden' };
  };

  /** What nobody asked for. */
  unused(): readonly string[] {
    return this.#grants.filter((grant) => !this.#used.has(grant)).map(describeGrant);
  }

  /** What was asked for in vain. */
  refused(): readonly string[] {
    return [...this.#refused];
  }
}

function grantFor({ collection, verb, namespace, name, isStatus }: SeenRequest): Grant {
  const { apiVersion } = collections[collection];
  return {
    verb: verb === 'stream' ? 'watch' : verb,
    group: apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '',
    resource: isStatus ? `${collection}/status` : collection,
    name: name === '' ? null : name,
    namespace,
  };
}

function allows(grant: Grant, wanted: Grant): boolean {
  return (
    grant.verb === wanted.verb &&
    grant.group === wanted.group &&
    grant.resource === wanted.resource &&
    (grant.name === null || grant.name === wanted.name) &&
    (grant.namespace === null || grant.namespace === wanted.namespace)
  );
}
