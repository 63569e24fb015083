import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';

const folder = fileURLToPath(new URL('../../docs/images/', import.meta.url));

/** Writes a picture of the page for the docs, where the variable WAYPOST_SCREENSHOTS asks for them. */
export async function picture(page: Page, name: string): Promise<void> {
  if (process.env['WAYPOST_SCREENSHOTS'] === undefined) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: `${folder}${name}.png` });
}
