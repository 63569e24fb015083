import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { renderHeader, renderPadding, tarEnd } from './tar.ts';
import { writeLayer } from './write-layer.ts';
import type { Layer } from './write-layer.ts';

/** OCI's names of processors, by Node's. */
const architectures: Readonly<Partial<Record<NodeJS.Architecture, string>>> = { x64: 'amd64', arm64: 'arm64' };

/** How a container of the image starts. */
export const processOfImage = {
  Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
  Entrypoint: ['/usr/bin/waypost'],
  Cmd: ['run'],
  WorkingDir: '/',
} as const;

const types = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

interface Blob {
  readonly digest: string;
  readonly content: Buffer;
}

/**
 * Writes a root file system as an image of one layer, in an archive in the layout of OCI (image-spec 1.1), which
 * `ctr images import`, `podman load` and `skopeo copy oci-archive:` read. `version` becomes its tag.
 */
export async function writeArchive(folder: string, file: string, version: string): Promise<Layer> {
  const scratch = `${file}.layer`;
  try {
    const layer = await writeLayer(folder, scratch);
    await pipeline(layoutOf(layer, scratch, version), createWriteStream(file));
    return layer;
  } finally {
    await rm(scratch, { force: true });
  }
}

async function* layoutOf(layer: Layer, layerFile: string, version: string): AsyncGenerator<Buffer> {
  const config = jsonBlob({
    architecture: architectures[process.arch] ?? process.arch,
    os: 'linux',
    config: processOfImage,
    rootfs: { type: 'layers', diff_ids: [layer.diffId] },
  });
  const manifest = jsonBlob({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: { mediaType: types.config, digest: config.digest, size: config.content.length },
    layers: [{ mediaType: types.layer, digest: layer.digest, size: layer.size }],
    annotations: { 'org.opencontainers.image.title': 'waypost', 'org.opencontainers.image.version': version },
  });
  const index = jsonBlob({
    schemaVersion: 2,
    manifests: [
      {
        mediaType: types.manifest,
        digest: manifest.digest,
        size: manifest.content.length,
        // containerd takes its own annotation for the name, others the one of the specification.
        annotations: { 'io.containerd.image.name': `waypost:${version}`, 'org.opencontainers.image.ref.name': version },
      },
    ],
  });
  yield* plainFile('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  yield* plainFile('index.json', index.content);
  for (const blob of [config, manifest]) yield* plainFile(blobPath(blob.digest), blob.content);
  yield header(blobPath(layer.digest), layer.size);
  yield* createReadStream(layerFile);
  yield renderPadding(layer.size);
  yield tarEnd;
}

function jsonBlob(value: object): Blob {
  const content = Buffer.from(JSON.stringify(value));
  return { content, digest: `sha256:${createHash('sha256').update(content).digest('hex')}` };
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function* plainFile(path: string, content: Buffer): Generator<Buffer> {
  yield header(path, content.length);
  yield content;
  yield renderPadding(content.length);
}

function header(path: string, size: number): Buffer {
  return renderHeader({ path, kind: 'file', mode: 0o644, size, target: '' });
}
