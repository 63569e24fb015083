import type { ApiObject } from './history.ts';

export type Selector = (object: ApiObject) => boolean;

/**
 * Reads `labelSelector` and `fieldSelector` of a request: `!key`, `key`, `key=value`, `key==value` and
 * `key!=value`, joined by commas. Null for anything else, which a server answers with 400.
 */
export function parseSelectors(query: URLSearchParams): Selector | null {
  const labels = parseTerms(query.get('labelSelector'), (object, key) => object.metadata.labels?.[key]);
  const fields = parseTerms(query.get('fieldSelector'), readField);
  return labels === null || fields === null ? null : (object) => labels(object) && fields(object);
}

type Reader = (object: ApiObject, key: string) => string | undefined;

function parseTerms(text: string | null, read: Reader): Selector | null {
  const terms: Selector[] = [];
  for (const term of (text ?? '').split(',').filter((part) => part.trim() !== '')) {
    const selector = parseTerm(term.trim(), read);
    if (selector === null) return null;
    terms.push(selector);
  }
  return (object) => terms.every((matches) => matches(object));
}

function parseTerm(term: string, read: Reader): Selector | null {
  const [, absent, key = '', operator, value = ''] = /^(!?)([\w./-]+)\s*(?:(!=|==?)\s*([\w./:-]*))?$/.exec(term) ?? [];
  if (key === '' || (absent === '!' && operator !== undefined)) return null;
  if (absent === '!') return (object) => read(object, key) === undefined;
  if (operator === undefined) return (object) => read(object, key) !== undefined;
  // An absent key is not equal to any value (labels.Requirement in apimachinery).
  return operator === '!=' ? (object) => read(object, key) !== value : (object) => read(object, key) === value;
}

function readField(object: ApiObject, path: string): string | undefined {
  let value: unknown = object;
  for (const name of path.split('.')) {
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  }
  // A field that is not set selects as the empty string.
  return value === undefined ? '' : String(value);
}
