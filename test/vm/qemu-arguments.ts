/** How the guest's processor is run. Software emulation is some ten to twenty times slower, and works everywhere. */
export type Acceleration = 'kvm' | 'tcg';

export interface QemuOptions {
  readonly acceleration: Acceleration;
  readonly processors: number;
  readonly memoryMib: number;
  readonly kernel: string;
}

/** Descriptors that qemu inherits: sockets, but for the image of the first file system. */
export const descriptors = { console: 3, control: 4, stdout: 5, stderr: 6, initramfs: 7 } as const;

/** The command line of qemu. */
export function listQemuArguments(options: QemuOptions): readonly string[] {
  const ports = (['control', 'stdout', 'stderr'] as const).flatMap((name, index) => [
    '-chardev',
    `socket,id=${name},fd=${descriptors[name]}`,
    '-device',
    `virtserialport,bus=channel.0,nr=${index + 1},chardev=${name},name=${name}`,
  ]);
  const kvm = options.acceleration === 'kvm';
  return [
    ['-nodefaults'],
    ['-no-user-config'],
    ['-no-reboot'],
    ['-display', 'none'],
    // Translated code is kept in memory; the default is a quarter of the guest's, and starts again when it is full.
    ['-accel', kvm ? 'kvm' : 'tcg,thread=multi,tb-size=1024'],
    // Everything this qemu can emulate: Node.js does not run reliably on the default model.
    ['-cpu', kvm ? 'host' : 'max'],
    ['-smp', String(options.processors)],
    ['-m', String(options.memoryMib)],
    ['-chardev', `socket,id=console,fd=${descriptors.console}`, '-serial', 'chardev:console'],
    ['-device', 'virtio-serial-pci,id=channel', ...ports],
    ['-virtfs', 'local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap'],
    ['-kernel', options.kernel, '-initrd', `/proc/self/fd/${descriptors.initramfs}`],
    ['-append', 'console=ttyS0 quiet panic=-1 mitigations=off'],
  ].flat();
}
