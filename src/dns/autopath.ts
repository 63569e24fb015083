import { rcode, recordType } from './constants.ts';
import { isWithin, joinLabels, labelsOf } from './name.ts';
import type { Name } from './name.ts';
import { settleTtls, unkept } from './resolution.ts';
import type { Request, Resolution } from './resolution.ts';
import type { AutopathSettings } from './settings.ts';

/**
 * The names that a resolver with the search list of a pod in `namespace` would ask one after another, for a name that was
 * made with the first element of that list. Null: it was not.
 */
export function listCandidates(
  name: Name,
  namespace: string,
  zone: Name,
  { search }: Pick<AutopathSettings, 'search'>,
): readonly Name[] | null {
  const zoneLabels = labelsOf(zone);
  const first = joinLabels([namespace, 'svc', ...zoneLabels]);
  if (first === null || !isWithin(name, first) || name === first) return null;
  const base = labelsOf(name.slice(0, name.length - first.length) + '\0');
  const suffixes = [labelsOf(first), ['svc', ...zoneLabels], zoneLabels, ...search.map(labelsOf), []];
  return suffixes.map((labels) => joinLabels([...base, ...labels])).filter((candidate) => candidate !== null);
}

/**
 * Asks for one candidate after another and gives the first answer other than NXDOMAIN, the first of all where there is
 * none. An answer of a later candidate hangs on the name that was asked by a CNAME (specification 14.2).
 */
export async function resolveAutopath(
  request: Request,
  candidates: readonly Name[],
  ask: (name: Name) => Resolution | Promise<Resolution>,
): Promise<Resolution> {
  let denied: Resolution | null = null;
  for (const candidate of candidates) {
    const resolution = await ask(candidate);
    if (resolution.answer.rcode === rcode.NXDOMAIN) {
      denied ??= resolution;
      continue;
    }
    if (candidate === request.name) return { ...resolution, ...forOne };
    if (resolution.answer.rcode !== rcode.NOERROR) return { ...resolution, ...forOne, stage: 'autopath' };
    return hang(request.name, candidate, resolution);
  }
  if (denied === null) throw new TypeError('a search list has at least one name');
  return { ...denied, ...forOne };
}

/** Whose search list a name was made with is seen from its sender alone. */
const forOne = { lease: null, term: null } as const;

function hang(name: Name, candidate: Name, resolution: Resolution): Resolution {
  const answer = settleTtls(resolution);
  const ttl = answer.answer.reduce((least, record) => Math.min(least, record.ttl), answer.authority[0]?.ttl ?? 3600);
  const alias = { name, type: recordType.CNAME, ttl, data: new Uint8Array(Buffer.from(candidate, 'latin1')) };
  return {
    ...resolution,
    answer: { ...answer, answer: [alias, ...answer.answer] },
    ...unkept,
    stage: 'autopath',
    lease: null,
    steps: ['found on the search list', ...resolution.steps],
  };
}
