import { accessSync, chmodSync, constants, writeFileSync } from 'node:fs';
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

/** A browser inside a network namespace: 127.0.0.1 is the node's there, and nothing else can be reached. */
export async function openBrowser(namespace: string): Promise<{ readonly browser: Browser; close(): Promise<void> }> {
  const folder = await createTemporaryFolder('waypost-browser-');
  const launcher = join(folder.path, 'chromium');
  writeFileSync(launcher, `#!/bin/sh\nexec ip netns exec '${namespace}' ${program} "$@"\n`);
  chmodSync(launcher, 0o755);
  // Chromium's sandbox refuses to work for root.
  const browser = await chromium.launch({ executablePath: launcher, args: ['--no-sandbox'], timeout: patient(60_000) });
  return {
    browser,
    close: async () => {
      await browser.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
