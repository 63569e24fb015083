import type { ServerResponse } from 'node:http';
import type { ApiObject } from './history.ts';
import { answerStatus } from './status.ts';

/** What a request wants of the Events of a namespace. */
export interface EventTarget {
  readonly verb: 'get' | 'create' | 'patch';
  readonly namespace: string;
  /** Empty for a new one. */
  readonly name: string;
}

const verbs: Readonly<Record<string, EventTarget['verb']>> = { GET: 'get', POST: 'create', PATCH: 'patch' };

/** Null where the path or the method is for somebody else. */
export function findEventTarget(path: string, method: string): EventTarget | null {
  const [, namespace = '', name = ''] =
    /^\/apis\/events\.k8s\.io\/v1\/namespaces\/([^/]+)\/events(?:\/([^/]+))?$/.exec(path) ?? [];
  const verb = verbs[method];
  return namespace === '' || verb === undefined || (verb === 'create') !== (name === '') ? null : { verb, namespace, name };
}

/** Answers as the API server's registry does, and gives the Event to be stored or null. */
export function answerEvent(
  { verb, namespace, name }: EventTarget,
  body: string,
  found: readonly ApiObject[],
  response: ServerResponse,
): ApiObject | null {
  const given = verb === 'get' ? {} : (JSON.parse(body) as ApiObject);
  const wanted = verb === 'create' ? String((given as Partial<ApiObject>).metadata?.name) : name;
  const existing = found.find(({ metadata }) => metadata.namespace === namespace && metadata.name === wanted) ?? null;
  if (verb === 'create' ? existing !== null : existing === null) {
    answerStatus(response, verb === 'create' ? 409 : 404, `events "${wanted}"`);
    return null;
  }
  const next = verb === 'create' ? (given as ApiObject) : { ...existing, ...given };
  const wrong = verb === 'get' ? null : findMistake(next as ApiObject, existing, namespace);
  if (wrong !== null) {
    answerStatus(response, 422, wrong);
    return null;
  }
  response.writeHead(verb === 'create' ? 201 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(next));
  return verb === 'get' ? null : (next as ApiObject);
}

const microTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** The validation of events.k8s.io/v1, as far as a proxy can get it wrong. */
function findMistake(event: ApiObject, before: ApiObject | null, namespace: string): string | null {
  const regarding = event['regarding'] as { readonly namespace?: string } | undefined;
  const series = event['series'] as { readonly count: number; readonly lastObservedTime: string } | undefined;
  const required = ['eventTime', 'reportingController', 'reportingInstance', 'action', 'reason', 'type'];
  const missing = required.find((field) => typeof event[field] !== 'string' || event[field] === '');
  if (missing !== undefined) return `${missing}: Required value`;
  if (!microTime.test(String(event['eventTime']))) return 'eventTime: not a MicroTime';
  if (event.metadata.namespace !== namespace) return 'metadata.namespace: does not match the request';
  if ((regarding?.namespace ?? 'default') !== namespace) return 'regarding.namespace: does not match event.namespace';
  if (Buffer.byteLength(String(event['note'] ?? '')) > 1024) return 'note: Too long';
  if (series !== undefined && (series.count < 2 || !microTime.test(series.lastObservedTime))) return 'series: Invalid value';
  const fixed = [...required, 'note', 'regarding'];
  const changed =
    before === null ? undefined : fixed.find((field) => JSON.stringify(before[field]) !== JSON.stringify(event[field]));
  return changed === undefined ? null : `${changed}: field is immutable`;
}
