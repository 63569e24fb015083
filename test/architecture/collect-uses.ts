import { isNode } from './walk-syntax.ts';
import type { Place, SyntaxNode } from './walk-syntax.ts';

/** Globals that read a clock, chance or the world. Of `Date` and `Math` only some uses do: see `nameUse`. */
const watched: ReadonlySet<string> = new Set([
  'Date',
  'Math',
  'performance',
  'process',
  'crypto',
  'console',
  'fetch',
  'WebSocket',
  'EventSource',
  'globalThis',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
]);

const harmless: ReadonlySet<string> = new Set(['new Date', 'Date.UTC', 'Date.parse', 'Date.prototype']);

/** Places that name something without reading it. */
const namingFields: ReadonlySet<string> = new Set(['key', 'property', 'label', 'imported', 'exported']);

/** The name of what a node uses of the world, or null. `bound` are names that the file declares itself. */
export function findUse(place: Place, bound: ReadonlySet<string>): string | null {
  const { node, parent } = place;
  if (place.inType) return null;
  if (node.type === 'AwaitExpression') return 'await';
  if (node.type === 'ForOfStatement' && node['await'] === true) return 'await';
  if (node['async'] === true) return 'async';
  if (node.type !== 'Identifier' || parent === null) return null;
  const name = String(node['name']);
  if (!watched.has(name) || bound.has(name)) return null;
  if (namingFields.has(place.field) && parent['computed'] !== true) return null;
  const use = nameUse(name, place.field, parent);
  const known = harmless.has(use) || (use.startsWith('Math.') && use !== 'Math.random');
  return known ? null : use;
}

/** `Date.now` for members, `new Date()` or `new Date` with and without a moment, else the bare name. */
function nameUse(name: string, field: string, parent: SyntaxNode): string {
  if (parent.type === 'MemberExpression' && field === 'object') {
    const property = parent['property'];
    const literal = parent['computed'] === true ? 'value' : 'name';
    return isNode(property) ? `${name}.${String(property[literal])}` : name;
  }
  if (parent.type === 'NewExpression' && field === 'callee') {
    return (parent['arguments'] as readonly unknown[]).length === 0 ? `new ${name}()` : `new ${name}`;
  }
  // `x instanceof Date` asks for a kind, not for the time.
  return parent.type === 'BinaryExpression' && parent['operator'] === 'instanceof' ? `new ${name}` : name;
}

/** The name that a node declares where it declares one: variable, parameter, function or import. */
export function findBinding({ node, parent, field, inPattern }: Place): string | null {
  if (node.type !== 'Identifier' || parent === null) return null;
  const isDeclared = field === 'id' && (parent.type === 'VariableDeclarator' || parent.type === 'FunctionDeclaration');
  const isParameter = field === 'params' || field === 'param' || (parent.type === 'AssignmentPattern' && field === 'left');
  const isImported = field === 'local' && parent.type.startsWith('Import');
  return inPattern || isDeclared || isParameter || isImported ? String(node['name']) : null;
}
