/** `npm run bundle`: makes `dist`, which is what the image holds of ours, and says how large it is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildBundle } from './bundle/build-bundle.ts';

const files = await buildBundle(process.cwd(), join(process.cwd(), 'dist'));
const kib = (octets: number): string => `${Math.round(octets / 1024)} KiB`;
const size = files.reduce((sum, file) => sum + file.size, 0);
const packed = files.reduce((sum, { path }) => sum + gzipSync(readFileSync(path)).length, 0);
console.log(`dist/lib/agent: ${files.length} files, ${kib(size)}, ${kib(packed)} compressed`);
