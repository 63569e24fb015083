import { basename, dirname, resolve } from 'node:path';
import type { Plugin } from 'rolldown';

/** How sources name a file that runs as a thread or as a process of its own, or that is read. */
const links = /new URL\('([^']+)', import\.meta\.url\)/g;

/**
 * Files that sources name by `new URL('x.ts', import.meta.url)` become entries of the bundle, and package.json lies beside
 * them. The bundler knows nothing of such names and would leave them as they are, so any that is spelled otherwise is an
 * error here and not a thread that does not start.
 */
export function linkEntries(packageFile: string): Plugin {
  return {
    name: 'link-entries',
    transform(code, id) {
      if (!id.endsWith('.ts') || !code.includes('import.meta.url')) return null;
      const others = code.replaceAll(links, '');
      if (others.includes('import.meta.url')) this.error(`${id}: import.meta.url is used in a way that the bundle cannot follow`);
      return code.replaceAll(links, (_, target: string) => {
        const path = resolve(dirname(id), target);
        if (path === packageFile) return "new URL('package.json', import.meta.url)";
        const fileName = `${basename(path, '.ts')}.js`;
        this.emitFile({ type: 'chunk', id: path, fileName });
        return `new URL('${fileName}', import.meta.url)`;
      });
    },
  };
}
