import { visitorKeys } from 'oxc-parser';

/** Any node of the syntax tree; fields differ by `type`. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

/** A node with what surrounds it. */
export interface Place {
  readonly node: SyntaxNode;
  readonly parent: SyntaxNode | null;
  /** The field of `parent` that holds the node. */
  readonly field: string;
  /** Inside a type, which leaves nothing behind at run time. */
  readonly inType: boolean;
  /** Part of what a destructuring declares; its default values and keys are not. */
  readonly inPattern: boolean;
}

/** These wrap an expression that does run: `x as T`, `x satisfies T`, `x!`. */
const wrappers: ReadonlySet<string> = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSTypeAssertion',
  'TSInstantiationExpression',
]);

const patterns: ReadonlySet<string> = new Set(['ObjectPattern', 'ArrayPattern', 'RestElement']);
const patternParts: ReadonlySet<string> = new Set(['Property', 'AssignmentPattern']);

function continuesPattern({ node, inPattern }: Place, field: string): boolean {
  return patterns.has(node.type) || (inPattern && patternParts.has(node.type) && field !== 'right' && field !== 'key');
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

/** Every node below `root`, parents before children. */
export function* walkSyntax(root: SyntaxNode): Generator<Place> {
  const open: Place[] = [{ node: root, parent: null, field: '', inType: false, inPattern: false }];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    yield place;
    const { node } = place;
    const inType = place.inType || (node.type.startsWith('TS') && !wrappers.has(node.type));
    for (const field of visitorKeys[node.type] ?? []) {
      const child = node[field];
      const children: readonly unknown[] = Array.isArray(child) ? child : [child];
      for (const one of children) {
        if (isNode(one)) open.push({ node: one, parent: node, field, inType, inPattern: continuesPattern(place, field) });
      }
    }
  }
}
