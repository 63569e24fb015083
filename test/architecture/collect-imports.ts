import type { ImportEdge } from './source-file.ts';
import { isNode } from './walk-syntax.ts';
import type { Place, SyntaxNode } from './walk-syntax.ts';

type Found = Omit<ImportEdge, 'line'>;

/** The module that a node mentions, or null where it mentions none. */
export function findImport({ node }: Place): Found | null {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
      return isNode(node['source']) ? findDeclared(node, node['specifiers'] as readonly SyntaxNode[]) : null;
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return { specifier: readText(node['source']), names: ['*'], typeOnly: node.type === 'TSImportType' || isTypeKind(node) };
    case 'CallExpression':
      return findCall(node);
    case 'NewExpression':
      return findUrl(node);
    default:
      return null;
  }
}

function readText(node: unknown): string | null {
  if (!isNode(node)) return null;
  if (node.type === 'Literal' && typeof node['value'] === 'string') return node['value'];
  // A template without holes is a text as well.
  const quasis = node.type === 'TemplateLiteral' ? (node['quasis'] as readonly SyntaxNode[]) : [];
  return quasis.length === 1 ? ((quasis[0]?.['value'] as { cooked?: string } | undefined)?.cooked ?? null) : null;
}

function findDeclared(node: SyntaxNode, specifiers: readonly SyntaxNode[]): Found {
  const allTypes = specifiers.length > 0 && specifiers.every(isTypeKind);
  return { specifier: readText(node['source']), names: specifiers.map(readName), typeOnly: isTypeKind(node) || allTypes };
}

function isTypeKind(node: SyntaxNode): boolean {
  return node['importKind'] === 'type' || node['exportKind'] === 'type';
}

function readName(specifier: SyntaxNode): string {
  const name = specifier['imported'] ?? (specifier.type === 'ExportSpecifier' ? specifier['local'] : undefined);
  if (isNode(name)) return String(name['name'] ?? name['value']);
  return specifier.type === 'ImportDefaultSpecifier' ? 'default' : '*';
}

function firstArgument(node: SyntaxNode): unknown {
  return (node['arguments'] as readonly unknown[])[0];
}

function memberName(node: unknown): string | null {
  if (!isNode(node) || node.type !== 'MemberExpression') return null;
  const property = node['property'];
  return isNode(property) ? String(property['name'] ?? property['value']) : null;
}

/** `require('x')`, `process.getBuiltinModule('x')` and `import.meta.resolve('x')`. */
function findCall(node: SyntaxNode): Found | null {
  const callee = node['callee'];
  const name = isNode(callee) && callee.type === 'Identifier' ? callee['name'] : null;
  const member = memberName(callee);
  const onMeta = isNode(callee) && isNode(callee['object']) && callee['object'].type === 'MetaProperty';
  const mentions = name === 'require' || member === 'getBuiltinModule' || (member === 'resolve' && onMeta);
  return mentions ? { specifier: readText(firstArgument(node)), names: ['*'], typeOnly: false } : null;
}

/** `new URL('./worker.ts', import.meta.url)` is how workers and child programs are named. Other files are data. */
function findUrl(node: SyntaxNode): Found | null {
  const callee = node['callee'];
  if (!isNode(callee) || callee['name'] !== 'URL') return null;
  const base = (node['arguments'] as readonly unknown[])[1];
  const specifier = readText(firstArgument(node));
  if (specifier === null || !/\.[cm]?[jt]s$/.test(specifier) || memberName(base) !== 'url') return null;
  // Unlike an import, a URL needs no './' to be relative.
  const relative = /^[./]|^\w+:/.test(specifier) ? specifier : `./${specifier}`;
  return { specifier: relative, names: ['*'], typeOnly: false };
}
