/**
 * The tests that need `ip_vs` in the kernel. Where the running kernel does not have it they run in a virtual machine,
 * so what is listed here is paid for with its slowness: nothing that another kernel can prove belongs here.
 */
export const kernelTests: readonly string[] = ['test/ipvs/**/*.test.ts', 'src/ipvs/conformance*.test.ts'];

/** The vitest project of these tests. */
export const kernelProject = 'ipvs';
