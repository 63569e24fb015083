import { accessSync, constants, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import type { Capability } from '../lab/capability.ts';
import { canMakeNamespaces, createTemporaryFolder } from '../lab/mod.ts';
import { patient } from '../lab/patience.ts';

/** Debian's package `chromium`. */
const program = '/usr/bin/chromium';

/** Whether there is a browser, and namespaces for it to run in. */
export async function canBrowse(): Promise<Capability> {
  try {
    accessSync(program, constants.X_OK);
  } catch {
    return { ok: false, reason: `there is no ${program} (Debian package chromium)` };
  }
  return await canMakeNamespaces();
}

/** A browser, and how to end it. */
export interface OpenBrowser {
  readonly browser: Browser;
  close(): Promise<void>;
}

/**
 * A browser inside a network namespace, where 127.0.0.1 is the node's and nothing outside the lab can be reached; null: in this
 * process's own.
 */
export async function openBrowser(namespace: string | null): Promise<OpenBrowser> {
  const folder = await createTemporaryFolder('waypost-browser-');
  const launcher = join(folder.path, 'chromium');
  const enter = namespace === null ? '' : `ip netns exec '${namespace}' `;
  writeFileSync(launcher, `#!/bin/sh\nexec ${enter}${program} "$@"\n`, { mode: 0o755 });
  // Chromium's sandbox refuses to work for root.
  const args = ['--no-sandbox', '--disable-gpu'];
  const browser = await chromium.launch({ executablePath: launcher, args, timeout: patient(60_000) });
  return {
    browser,
    close: async () => {
      await browser.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
