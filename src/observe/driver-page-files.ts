import { readFileSync, readdirSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';

/** One file of the status page, as browsers get it. */
export interface PageFile {
  /** Below the folder of the page, `/` between: `index.html`, `browser/main.js`. */
  readonly path: string;
  readonly type: string;
  /** Its text; read when first asked for. Throws where it cannot be read any more. */
  readonly text: () => string;
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

/**
 * The files of the status page. In a checkout its scripts are TypeScript, served as JavaScript without a build: types are blanked
 * out and imports name `.js`. A bundle has one script beside the page already. Throws where the folder cannot be read.
 */
export function listPageFiles(folder = new URL('page/', import.meta.url)): readonly PageFile[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => !/\.(test|fixture)\.ts$/.test(name));
  return names.toSorted().flatMap((name) => {
    const path = name.replace(/\.ts$/, '.js');
    const type = types[path.slice(path.lastIndexOf('.') + 1)];
    if (type === undefined) return [];
    let text: string | null = null;
    return { path, type, text: () => (text ??= readText(new URL(name, folder))) };
  });
}

function readText(file: URL): string {
  const text = readFileSync(file, 'utf8');
  return file.pathname.endsWith('.ts') ? stripTypeScriptTypes(text).replaceAll(/(from '\.[^']*)\.ts'/g, "$1.js'") : text;
}
