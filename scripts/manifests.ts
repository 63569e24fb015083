/** Writes deploy/rendered: each overlay as one file, by `kubectl kustomize`. A test fails where they are stale. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { listOverlays, renderedFile, renderOverlay } from './manifests/render.ts';

mkdirSync('deploy/rendered', { recursive: true });
const overlays = listOverlays();
for (const name of overlays) writeFileSync(renderedFile(name), renderOverlay(name));
console.log(`${overlays.length} files in deploy/rendered are written.`);
