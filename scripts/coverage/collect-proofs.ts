import { posix } from 'node:path';
import { parseSync } from 'oxc-parser';

/** A test that names an item. */
export interface Proof {
  /** As titles have it: `SP-12`. */
  readonly name: string;
  /** The file with the title, or what else its tests are known by. */
  readonly file: string;
  readonly title: string;
}

/** What a file of tests says. */
export interface TestFile {
  readonly proofs: readonly Proof[];
  /** Files it imports code from, as paths from the same root as its own. */
  readonly imports: readonly string[];
}

const mention = /\[([A-Z]{2,}-\d+)\]/g;

/** Every string of a test file that names items, as the title it is. Parts computed at run time show as `…`. */
export function readTestFile(file: string, text: string): TestFile {
  const { program, module, errors } = parseSync(file, text, { lang: 'ts', sourceType: 'module' });
  const [error] = errors;
  if (error !== undefined) throw new SyntaxError(`${file}: ${error.message}`);
  return {
    proofs: findTitles(program).flatMap((title) => proofsOf(file, title)),
    imports: module.staticImports
      .filter(({ entries }) => entries.length === 0 || entries.some(({ isType }) => !isType))
      .map(({ moduleRequest }) => moduleRequest.value)
      .filter((path) => path.startsWith('.'))
      .map((path) => posix.join(posix.dirname(file), path)),
  };
}

/** One proof for each item a title names; the names themselves are left out of what is shown. */
function proofsOf(file: string, title: string): readonly Proof[] {
  const plain = title.replaceAll(mention, '').replaceAll(/\s+/g, ' ').trim();
  return [...title.matchAll(mention)].map(([, name = '']) => ({ name, file, title: plain }));
}

function findTitles(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(findTitles);
  if (typeof node !== 'object' || node === null || provesNothing(node as Record<string, unknown>)) return [];
  const title = titleOf(node as Record<string, unknown>);
  return title === null ? Object.values(node).flatMap(findTitles) : title.search(mention) === -1 ? [] : [title];
}

/** A call of `test.skip`, `test.todo.each` and the like proves nothing, nor does what is written to the console. */
function provesNothing(node: Record<string, unknown>): boolean {
  if (node['type'] !== 'CallExpression') return false;
  const names: unknown[] = [];
  for (let at = node['callee'] as Part | undefined; at !== undefined; at = at.callee ?? at.object) names.push(at.property?.name);
  return names.some((name) => name === 'skip' || name === 'todo' || name === 'write');
}

/** What stands before the parentheses of a call: `test.skip.each(rows)`, from the outside in. */
interface Part {
  readonly callee?: Part;
  readonly object?: Part;
  readonly property?: { readonly name?: string };
}

/** The text of a string or template, or null for any other node. */
function titleOf(node: Record<string, unknown>): string | null {
  if (node['type'] === 'Literal' && typeof node['value'] === 'string') return node['value'];
  if (node['type'] !== 'TemplateLiteral') return null;
  const parts = node['quasis'] as readonly { readonly value: { readonly cooked: string } }[];
  return parts.map(({ value }) => value.cooked).join('…');
}

/** Rows of the packet table that name items, one proof for each scenario and item. */
export function collectFlows(
  groups: readonly {
    readonly scenarios: readonly { readonly name: string; readonly flows: readonly { readonly items: readonly string[] }[] }[];
  }[],
  file: string,
): readonly Proof[] {
  const proofs = groups
    .flatMap(({ scenarios }) => scenarios)
    .flatMap(({ name: title, flows }) => flows.flatMap(({ items }) => items.map((name): Proof => ({ name, file, title }))));
  return [...new Map(proofs.map((proof) => [JSON.stringify(proof), proof])).values()];
}

/** Questions of case files that name items, one proof for each file and item. */
export function collectCases(
  files: readonly {
    readonly name: string;
    readonly about: string;
    readonly cases: readonly { readonly items: readonly number[] }[];
  }[],
  file: string,
): readonly Proof[] {
  return files.flatMap(({ name, about, cases }) => {
    const items = [...new Set(cases.flatMap((one) => one.items))].toSorted((a, b) => a - b);
    return items.map((item): Proof => ({ name: `DNS-${item}`, file, title: `${about} (${name}.yaml)` }));
  });
}
